"""Refusals of JSON-RPC messages: MCP clients show the error that they find in the body."""

from __future__ import annotations

from typing import Any

from gateway.http.problems import BAD_REQUEST, Problem


class JsonRpcProblem(Problem):
    """400 with a JSON-RPC error (JSON-RPC 2.0 section 5.1); the problem's members are its data."""

    media_type = b"application/json"

    def __init__(self, code: int, detail: str, message_id: str | int | None) -> None:
        """`message_id`: of the request that is refused; None where it is not known."""
        super().__init__(BAD_REQUEST, detail)
        self.rpc_code = code
        self.message_id = message_id

    def document(self, request_id: str) -> dict[str, Any]:
        """The JSON-RPC response."""
        error = {"code": self.rpc_code, "message": self.detail, "data": super().document(request_id)}
        return {"jsonrpc": "2.0", "id": self.message_id, "error": error}
