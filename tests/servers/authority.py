"""A throw-away certificate authority for tests: files in PEM, as servers and clients take them."""

from __future__ import annotations

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class Authority:
    """Writes into `folder`; every file with a key in it is for its owner's eyes only."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self._ca = trustme.CA()
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Files with the certificate chain and with the key (PKCS#8, as Kafka asks) of a server or a client."""
        leaf = self._ca.issue_cert(*(hosts or (f"{name}@example.org",)), common_name=name)
        chain, key = self.folder / f"{name}-cert.pem", self.folder / f"{name}-key.pem"
        chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.touch(mode=0o600)
        parsed = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        key.write_bytes(parsed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return chain, key

    def keystore(self, name: str, *hosts: str) -> Path:
        """One file with key and chain, as Kafka's brokers take them."""
        chain, key = self.issue(name, *hosts)
        store = self.folder / f"{name}-store.pem"
        store.touch(mode=0o600)
        store.write_bytes(key.read_bytes() + chain.read_bytes())
        return store
