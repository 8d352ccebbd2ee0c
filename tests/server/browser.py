"""A visitor with a browser: keeps cookies as browsers do, says of its requests what browsers say, and reads forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie

from httpx2 import Response

from server.in_process import Application

ACCEPT_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
NAVIGATION = {
    "Accept": ACCEPT_PAGES,
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(Form(attributes.get("action") or "", attributes.get("method") or "get"))
        elif tag == "input" and (name := attributes.get("name")) and self.forms:
            self.forms[-1].fields[name] = attributes.get("value") or ""


def forms_of(answer: Response) -> list[Form]:
    return _Forms(answer.text).forms


def form_to(answer: Response, ending: str) -> Form:
    """The only form of the page whose action ends so."""
    [form] = [form for form in forms_of(answer) if form.action.endswith(ending)]
    return form


class Browser:
    """Redirects are not followed, so that tests see each.

    :param origin: that the browser has in its address bar.
    """

    def __init__(self, app: Application, origin: str = "http://testserver") -> None:
        self._app = app
        self._origin = origin
        self.cookies: dict[str, str] = {}
        self.set_cookie: list[str] = []  # of the last answer, as sent

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Response:
        return self._send(method, path, None, {**NAVIGATION, **(headers or {})})

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """As a form of a page of ours does."""
        own = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": self._origin}
        return self._send("POST", path, fields or {}, {**own, **(headers or {})})

    def send(self, form: Form, **filled: str) -> Response:
        return self.post(form.action, {**form.fields, **filled})

    def log_in(self, repository: str = "local", secret: str = "reads", **fields: str) -> Response:
        return self.post("/login/", {"repository": repository, "secret": secret, **fields})

    def form_token(self) -> str:
        return form_to(self.get("/logout/"), "/logout/").fields["token"]

    def _send(self, method: str, path: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]) -> Response:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        if not sent["Cookie"]:
            del sent["Cookie"]
        client = self._app.client
        answer = client.request(method, f"{self._origin}{path}", data=fields, headers=sent)
        client.cookies.clear()  # other visitors use the same client
        self.set_cookie = answer.headers.get_list("set-cookie")
        for line in self.set_cookie:
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return answer
