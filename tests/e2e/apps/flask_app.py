"""Flask as it comes, with its own session cookie."""

from collections.abc import Iterator

from flask import Flask, Response, redirect, request, session, url_for

try:
    import uwsgi  # there under uWSGI alone, whose apps read chunked bodies by it
except ImportError:
    uwsgi = None

app = Flask(__name__)
app.secret_key = "for a test"


@app.get("/items/")
def items() -> str:
    return "items"


@app.get("/login")
def login() -> object:
    session["user"] = "me"
    return redirect(url_for("home", _external=True))


@app.get("/home")
def home() -> str:
    return f"hello {session.get('user')}"


@app.post("/echo")
def echo() -> str:
    if uwsgi is not None and "chunked" in request.headers.get("Transfer-Encoding", ""):
        return str(sum(map(len, iter(uwsgi.chunked_read, b""))))
    return str(len(request.get_data()))


@app.get("/events")
def events() -> Response:
    def data() -> Iterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return Response(data(), mimetype="text/event-stream")
