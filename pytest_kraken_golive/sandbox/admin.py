"""The admin port: JSON in, JSON out, behind the header `X-Sandbox-Token`; `kraken-golive docs sandbox` tells how."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .exchange import Exchange
from .settings import AccountSettings, FaultSettings

TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the header's name, not its value

_Handler = Callable[[Request], Awaitable[object]]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class WantedBooks(_Wanted):
    """Query of `GET /books`."""

    door: str | None = None
    """Whose; None is all, by name."""
    window_s: Annotated[_Finite, Field(gt=0)] = 0.1
    """Window in which the largest burst is looked for."""


class WantedTranscript(_Wanted):
    """Body of `POST /transcript` and query of `DELETE /transcript`."""

    door: str = "main"
    """Whose calls are taken down."""


class WantedStatus(_Wanted):
    """Body of `POST /status`."""

    status: str
    """Mode."""
    pair: str | None = None
    """Whose; None is the exchange's."""


class WantedPrice(_Wanted):
    """Body of `POST /prices`."""

    pair: str
    """Whose."""
    mid: Decimal
    """New mid, rounded to the tick."""
    hold: StrictBool = False
    """Whether it stays there."""


class WantedRefusal(_Wanted):
    """Body of `POST /refuse`."""

    seconds: Annotated[_Finite, Field(gt=0)]
    """How long connections are refused, on the exchange's clock."""
    door: str = "main"
    """Where."""


class WantedClock(_Wanted):
    """Body of `POST /clock`."""

    skew_s: _Finite
    """How far the exchange's clock is ahead of the true time."""


class WantedNewAccount(_Wanted):
    """Body of `POST /accounts`."""

    name: str = Field(min_length=1)
    """Unique among the accounts."""
    limits: StrictBool = True
    """False frees it of REST and engine limits."""


class WantedAccount(_Wanted):
    """Body of `PATCH /accounts/{name}`; what is absent stays."""

    permissions: list[str] | None = None
    """Rights of the key."""
    nonce_window: StrictInt | None = None
    """In nonce units."""
    balances: dict[str, Decimal] | None = None
    """Amounts by asset, set and not added."""


def admin_app(exchange: Exchange, refuse: Callable[[str, float], None]) -> Starlette:
    """The application of the admin port.

    Wrong input answers 400 with `{"detail": ...}`, an unknown name 404, a wrong token 401; unknown fields are wrong.

    Args:
        exchange: what is administered.
        refuse: lets a door refuse connections for so many seconds.
    """

    async def books(request: Request) -> object:
        wanted = WantedBooks.model_validate(dict(request.query_params))
        if wanted.door is not None:
            return exchange.observed(wanted.door, wanted.window_s)
        return {name: exchange.observed(name, wanted.window_s) for name in exchange.doors}

    async def transcript(request: Request) -> object:
        begins = request.method == "POST"
        wanted = (
            await _read(request, WantedTranscript)
            if begins
            else WantedTranscript.model_validate(dict(request.query_params))
        )
        return {"door": wanted.door, "taken_down": exchange.take_down(wanted.door, begin=begins)}

    async def faults(request: Request) -> object:
        if request.method == "POST":
            fault = await _read(request, FaultSettings)
            if fault.door != "*" and fault.door not in exchange.doors:
                raise _no_door(exchange, fault.door)
            exchange.install_fault(fault)
        elif request.method == "DELETE":
            exchange.clear_faults()
        return {"faults": exchange.faults.listing()}

    async def status(request: Request) -> object:
        wanted = await _read(request, WantedStatus)
        exchange.set_status(wanted.status, wanted.pair)
        return {"status": exchange.status, "pairs": exchange.pair_status}

    async def prices(request: Request) -> object:
        wanted = await _read(request, WantedPrice)
        exchange.set_price(wanted.pair, wanted.mid, hold=wanted.hold)
        return {"pair": wanted.pair, "mid": str(wanted.mid)}

    async def refusal(request: Request) -> object:
        wanted = await _read(request, WantedRefusal)
        if wanted.door not in exchange.doors:
            raise _no_door(exchange, wanted.door)
        refuse(wanted.door, wanted.seconds)
        return {"door": wanted.door, "seconds": wanted.seconds}

    async def clock(request: Request) -> object:
        exchange.set_clock_skew((await _read(request, WantedClock)).skew_s)
        return {"skew_s": exchange.clock.skew_s, "unixtime": exchange.clock.time()}

    async def account(request: Request) -> object:
        wanted, name = await _read(request, WantedAccount), request.path_params["name"]
        exchange.alter_account(name, **dict(wanted))
        changed = exchange.account(name)
        return {
            "name": name,
            "permissions": changed.permissions,
            "nonce_window": changed.nonces.window,
            "balances": {asset: str(amount) for asset, amount in changed.balances.items()},
        }

    async def new_account(request: Request) -> object:
        wanted = await _read(request, WantedNewAccount)
        settings = AccountSettings(name=wanted.name, limits=wanted.limits)
        exchange.add_account(settings)
        pair = {"api_key": settings.api_key, "api_secret": settings.api_secret}
        return {"name": wanted.name, **{part: secret.get_secret_value() for part, secret in pair.items()}}

    async def ready(_request: Request) -> object:
        return {"ready": True, "doors": list(exchange.doors)}

    guarded = _guard(exchange)
    return Starlette(
        routes=[
            Route("/books", guarded(books), methods=["GET"]),
            Route("/transcript", guarded(transcript), methods=["POST", "DELETE"]),
            Route("/faults", guarded(faults), methods=["GET", "POST", "DELETE"]),
            Route("/status", guarded(status), methods=["POST"]),
            Route("/prices", guarded(prices), methods=["POST"]),
            Route("/refuse", guarded(refusal), methods=["POST"]),
            Route("/clock", guarded(clock), methods=["POST"]),
            Route("/accounts", guarded(new_account), methods=["POST"]),
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
                return _problem(400, "; ".join(_told(found) for found in error.errors()))
            except KeyError as error:
                return _problem(404, str(error.args[0]))
            except ValueError as error:
                return _problem(400, str(error))

        return handle

    return guarded


def _told(found: Any) -> str:
    place = ".".join(map(str, found["loc"]))
    return f"{place}: {found['msg']}" if place else str(found["msg"])


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)


def _no_door(exchange: Exchange, name: str) -> KeyError:
    return KeyError(f"no door {name!r}; there are {', '.join(exchange.doors)}")


_Model = TypeVar("_Model", bound=BaseModel)


async def _read(request: Request, model: type[_Model]) -> _Model:
    """The JSON object of a request."""
    try:
        data = json.loads(await request.body(), object_pairs_hook=_no_twins)
    except RecursionError:
        raise ValueError("expected a JSON object, found one nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError(f"expected a JSON object, found {type(data).__name__}")
    return model.model_validate(data)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields
