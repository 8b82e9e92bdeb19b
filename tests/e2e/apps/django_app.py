"""Django in one file: APPEND_SLASH and a session in a signed cookie."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="for a test",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
)
django.setup()


def items(request: HttpRequest) -> HttpResponse:
    return HttpResponse("items")


def login(request: HttpRequest) -> HttpResponse:
    request.session["user"] = "me"
    return HttpResponseRedirect(request.build_absolute_uri(reverse("home")))


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"hello {request.session.get('user')}")


urlpatterns = [path("items/", items), path("login", login), path("home", home, name="home")]
app = get_wsgi_application()
