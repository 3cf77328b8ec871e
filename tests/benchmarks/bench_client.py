"""How fast an order leaves and is understood: ratios to a raw socket of the same run. Prints, never fails.

Client and exchange are held on one core, and the clients take turns in short batches, so that a drifting machine hits
all alike. The other clients are measured where .clients-venv (`make test-clients`) has them.

python tests/benchmarks/bench_client.py [rounds]
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from children import Program, on_core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOREIGN = Path(os.environ.get("CLIENTS_VENV", ROOT / ".clients-venv")) / "bin" / "python"
OWN = ["raw", "ours", "httpx"]
PEERS = ["kraken-sdk-async", "kraken-sdk-sync", "ccxt-async", "ccxt-sync", "krakenex"]
BATCH, UNTIMED = 50, 5
WANTED = {"plain": 0.7, "headers": 0.7, "tls": 0.9}


ON_ONE_CORE = functools.partial(on_core, 0)


def certificate(folder: Path) -> tuple[str, str, str]:
    """CA, certificate and key for 127.0.0.1; some clients refuse a certificate that is its own authority."""
    now = datetime.datetime.now(datetime.UTC)

    def made(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, ca: bool
    ) -> x509.Certificate:
        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = x509.CertificateBuilder(called(issuer), called(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=1)
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if not ca:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(signer, hashes.SHA256())

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    files = {
        "ca.pem": made("bench CA", authority, "bench CA", authority, True).public_bytes(serialization.Encoding.PEM),
        "leaf.pem": made("127.0.0.1", own, "bench CA", authority, False).public_bytes(serialization.Encoding.PEM),
        "key.pem": own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return str(folder / "ca.pem"), str(folder / "leaf.pem"), str(folder / "key.pem")


@contextlib.contextmanager
def exchange(setting: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """URL of a running exchange, and the CA to trust."""
    ca, leaf, key = certificate(folder)
    files = [leaf, key] if setting == "tls" else []
    python = str(FOREIGN) if FOREIGN.exists() else sys.executable  # it has the faster event loop
    server = Program([python, str(HERE / "constant_exchange.py"), setting, *files], {}, ON_ONE_CORE)
    try:
        yield f"http{'s' if files else ''}://127.0.0.1:{int(server.line())}", [ca] if files else []
    finally:
        server.end()


def measured(setting: str, rounds: int) -> dict[str, list[int]]:
    """Times (ns) of each client's orders."""
    with tempfile.TemporaryDirectory() as folder, exchange(setting, Path(folder)) as (url, ca):
        trust = {"SSL_CERT_FILE": ca[0], "REQUESTS_CA_BUNDLE": ca[0]} if ca else {}
        senders: dict[str, Program] = {}
        for name in [*OWN, *(PEERS if FOREIGN.exists() else [])]:
            python = sys.executable if name in OWN else str(FOREIGN)
            program = Program([python, str(HERE / "order_sender.py"), name, url, *ca], trust, ON_ONE_CORE)
            try:
                program.line()
                program.ask(UNTIMED)
            except RuntimeError as error:
                print(f"{name}: cannot be measured: {error}")
            else:
                senders[name] = program
        times: dict[str, list[int]] = {name: [] for name in senders}
        for _ in range(rounds):
            for name in random.sample(sorted(senders), len(senders)):
                times[name] += senders[name].ask(UNTIMED + BATCH)[UNTIMED:]
        for program in senders.values():
            program.end()
        return times


def p99(values: list[int]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def main(rounds: int) -> None:
    if not FOREIGN.exists():
        print(f"no other clients are measured: {FOREIGN} is missing. Next: make test-clients")
    print(f"{rounds * BATCH} orders each; us, and ratio to a raw socket with a request signed beforehand")
    for setting, wanted in WANTED.items():
        times = measured(setting, rounds)
        floor, floor_p99 = statistics.median(times["raw"]), p99(times["raw"])
        print(f"\n{setting}")
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name in sorted(medians, key=lambda name: medians[name]):
            high = p99(times[name])
            print(
                f"  {name:18} {medians[name] / 1000:8.1f} us {medians[name] / floor:6.1f}x"
                f"   p99 {high / 1000:8.1f} us {high / floor_p99:6.1f}x"
            )
        peers = [name for name in PEERS if name in medians]
        if peers:
            best = min(peers, key=lambda name: medians[name])
            ratio, ratio_p99 = medians["ours"] / medians[best], p99(times["ours"]) / p99(times[best])
            print(f"  ours / {best}: {ratio:.2f}, p99 {ratio_p99:.2f}   (wanted at most {wanted})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
