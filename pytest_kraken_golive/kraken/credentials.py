"""A key and its secret, from the constructor's arguments to the headers of a request, and nowhere else."""

from __future__ import annotations

from pydantic import SecretStr

from pytest_kraken_golive.kraken.signing import Signer, decode_secret


class SignedHeaders(dict[str, str]):
    """Headers with key and signature, which nothing prints: test reports show the arguments of frames."""

    def __repr__(self) -> str:
        return "SignedHeaders(***)"


class Credentials:
    """A key and its secret, which nothing prints.

    Args:
        api_key: the public half of the key.
        api_secret: the secret, Base64.

    Raises:
        ValueError: one of them is not usable. The message never shows it.
    """

    def __init__(self, api_key: SecretStr, api_secret: SecretStr) -> None:
        # The clear text never becomes a local name: test reports print those.
        if not _fits_a_header(api_key):
            raise ValueError(
                f"api_key: expected printable ASCII without spaces, found {len(api_key)} characters that are not. "
                "Next: copy the key again, whole and without spaces or quotes."
            )
        self._key = api_key
        self._signer = Signer(decode_secret(api_secret))

    def __repr__(self) -> str:
        return "Credentials(***)"

    def headers(self, path: str, nonce: str, body: bytes) -> SignedHeaders:
        """The headers that sign a request to `path` with these bytes of body, in which `nonce` stands."""
        signature = self._signer.sign(path, nonce, body)
        return SignedHeaders({"API-Key": self._key.get_secret_value(), "API-Sign": signature})


def _fits_a_header(key: SecretStr) -> bool:
    text = key.get_secret_value()
    return text != "" and text.isascii() and text.isprintable() and " " not in text


def hidden(text: str | SecretStr) -> SecretStr:
    """The text in a type that prints as `***`."""
    return text if isinstance(text, SecretStr) else SecretStr(text)
