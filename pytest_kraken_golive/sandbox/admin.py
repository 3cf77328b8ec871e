"""The admin port: JSON in, JSON out, behind the header `X-Sandbox-Token`."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .exchange import Exchange
from .settings import FaultSettings

TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the header's name, not its value

_Handler = Callable[[Request], Awaitable[object]]


def admin_app(exchange: Exchange) -> Starlette:
    """The application of the admin port.

    Routes: `GET /books?door=&window_s=` (without door: all, by name), `GET|POST|DELETE /faults`,
    `POST /status {status, pair?}`, `POST /prices {pair, mid, hold?}`,
    `PATCH /accounts/{name} {permissions?, nonce_window?, balances?}`, `GET /ready`.
    Wrong input answers 400 with `{"detail": ...}`, an unknown name 404, a wrong token 401.
    """

    async def books(request: Request) -> object:
        window_s = float(request.query_params.get("window_s", "0.1"))
        if not 0 < window_s < float("inf"):
            raise ValueError(f"window_s: expected seconds above 0, found {window_s}")
        door = request.query_params.get("door")
        if door is not None:
            return exchange.observed(door, window_s)
        return {name: exchange.observed(name, window_s) for name in exchange.doors}

    async def faults(request: Request) -> object:
        if request.method == "POST":
            exchange.install_fault(FaultSettings.model_validate(await _fields(request)))
        elif request.method == "DELETE":
            exchange.clear_faults()
        return {"faults": exchange.faults.listing()}

    async def status(request: Request) -> object:
        fields = await _fields(request, "status", "pair")
        exchange.set_status(str(_needed(fields, "status")), fields.get("pair"))
        return {"status": exchange.status, "pairs": exchange.pair_status}

    async def prices(request: Request) -> object:
        fields = await _fields(request, "pair", "mid", "hold")
        hold = fields.get("hold", False)
        if not isinstance(hold, bool):
            raise ValueError(f"hold: expected true or false, found {hold!r}")
        exchange.set_price(str(_needed(fields, "pair")), _decimal("mid", _needed(fields, "mid")), hold=hold)
        return {"pair": fields["pair"], "mid": str(fields["mid"])}

    async def account(request: Request) -> object:
        fields = await _fields(request, "permissions", "nonce_window", "balances")
        permissions, window, amounts = fields.get("permissions"), fields.get("nonce_window"), fields.get("balances")
        if permissions is not None and not isinstance(permissions, list):
            raise ValueError(f"permissions: expected a list of names, found {permissions!r}")
        if window is not None and (not isinstance(window, int) or isinstance(window, bool)):
            raise ValueError(f"nonce_window: expected a whole number, found {window!r}")
        if amounts is not None and not isinstance(amounts, dict):
            raise ValueError(f"balances: expected asset to amount, found {amounts!r}")
        balances = None if amounts is None else {name: _decimal(name, value) for name, value in amounts.items()}
        name = request.path_params["name"]
        exchange.alter_account(name, permissions=permissions, nonce_window=window, balances=balances)
        changed = exchange.account(name)
        return {
            "name": name,
            "permissions": changed.permissions,
            "nonce_window": changed.nonces.window,
            "balances": {asset: str(amount) for asset, amount in changed.balances.items()},
        }

    async def ready(_request: Request) -> object:
        return {"ready": True, "doors": list(exchange.doors)}

    guarded = _guard(exchange)
    return Starlette(
        routes=[
            Route("/books", guarded(books), methods=["GET"]),
            Route("/faults", guarded(faults), methods=["GET", "POST", "DELETE"]),
            Route("/status", guarded(status), methods=["POST"]),
            Route("/prices", guarded(prices), methods=["POST"]),
            Route("/accounts/{name}", guarded(account), methods=["PATCH"]),
            Route("/ready", guarded(ready), methods=["GET"]),
        ]
    )


def _guard(exchange: Exchange) -> Callable[[_Handler], Callable[[Request], Awaitable[Response]]]:
    token = exchange.settings.admin_token.get_secret_value().encode()

    def guarded(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), token):
                return _problem(401, f"the header {TOKEN_HEADER} is missing or wrong")
            try:
                return JSONResponse(await handler(request))
            except ValidationError as error:
                found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
                return _problem(400, found)
            except KeyError as error:
                return _problem(404, str(error.args[0]))
            except ValueError as error:
                return _problem(400, str(error))

        return handle

    return guarded


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)


async def _fields(request: Request, *known: str) -> dict[str, Any]:
    """The JSON object of a request, with no other fields than the known ones (none given: any)."""
    data = await request.json()
    if not isinstance(data, dict):
        raise ValueError(f"expected a JSON object, found {type(data).__name__}")
    unknown = sorted(set(data) - set(known)) if known else []
    if unknown:
        raise ValueError(f"unknown fields {', '.join(unknown)}; known are {', '.join(known)}")
    return data


def _needed(fields: dict[str, Any], name: str) -> Any:
    if name not in fields:
        raise ValueError(f"{name}: missing")
    return fields[name]


def _decimal(name: str, value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name}: expected a decimal number, found {value!r}") from None
