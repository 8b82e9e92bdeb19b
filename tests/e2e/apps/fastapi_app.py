"""FastAPI as it comes: a trailing slash is added by a redirect to the app's own URL."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse

app = FastAPI()


@app.get("/items/")
def items() -> Response:
    return PlainTextResponse("items")


@app.get("/login")
def login(request: Request) -> Response:
    response = RedirectResponse(request.url_for("home"), status_code=303)
    response.set_cookie("session", "me", httponly=True)
    return response


@app.get("/home")
def home(request: Request) -> Response:
    return PlainTextResponse(f"hello {request.cookies.get('session')}")


@app.post("/echo", response_class=PlainTextResponse)
async def echo(request: Request) -> str:
    return str(len(await request.body()))


@app.get("/events")
def events() -> StreamingResponse:
    return StreamingResponse((f"data: {number}\n\n" for number in range(3)), media_type="text/event-stream")
