"""Apache Kafka with TLS, SASL and ACLs, as a site would run it; a throw-away authority, random passwords."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion

from tests.servers.authority import Authority
from tests.servers.kafka_native import NativeKafka
from tests.servers.kafka_probe import broker_ready
from tests.servers.net import LOOPBACK, free_port

ADMIN = "admin"
"""The only user that may do everything, and the brokers' own."""
_MODULE = "org.apache.kafka.common.security"
_BOUNCER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


class SecureKafka(NativeKafka):
    """One node with a listener for each way to connect; nobody but `ADMIN` has a right until one is given.

    `bootstrap` takes SASL_SSL (SCRAM, PLAIN, OAUTHBEARER), `mutual` SSL with client certificates, `clear`
    SASL_PLAINTEXT, and `elsewhere` is as `bootstrap` with a certificate for another host.
    """

    def __init__(self, home: Path, users: Iterable[str]) -> None:
        super().__init__(home)
        self.passwords = {user: secrets.token_urlsafe(24) for user in (ADMIN, *users)}
        self.authority = Authority(self.folder)
        self.mutual, self.clear, self.elsewhere = (f"{LOOPBACK}:{free_port()}" for _ in range(3))
        with self._config.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in self._properties().items())
        self._config.chmod(0o600)

    def _properties(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{free_port()}"
        store = self.authority.keystore("broker", LOOPBACK, "localhost")
        stranger = self.authority.keystore("stranger", "kafka.example.org")
        own = f'username="{ADMIN}" password="{self.passwords[ADMIN]}"'
        known = " ".join(f'user_{user}="{password}"' for user, password in self.passwords.items())
        properties = {
            "listeners": f"SASL_SSL://{self.bootstrap},MUTUAL://{self.mutual},CLEAR://{self.clear},"
            f"ELSEWHERE://{self.elsewhere},CONTROLLER://{controller}",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,MUTUAL:SSL,CLEAR:SASL_PLAINTEXT,ELSEWHERE:SASL_SSL,"
            "CONTROLLER:SASL_SSL",
            "controller.quorum.voters": f"1@{controller}",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": f"{_MODULE}.plain.PlainLoginModule required {own} "
            f"{known};",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=([^,]+),.*$/$1/",
            "listener.name.elsewhere.ssl.keystore.type": "PEM",
            "listener.name.elsewhere.ssl.keystore.location": str(stranger),
            "authorizer.class.name": _BOUNCER,
            "super.users": f"User:{ADMIN}",
        }
        for listener in ("sasl_ssl", "clear", "elsewhere"):
            way = f"listener.name.{listener}"
            properties |= {
                f"{way}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
                f"{way}.scram-sha-256.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required {own};",
                f"{way}.scram-sha-512.sasl.jaas.config": f"{_MODULE}.scram.ScramLoginModule required {own};",
                f"{way}.plain.sasl.jaas.config": f"{_MODULE}.plain.PlainLoginModule required {own} {known};",
                # tokens without a signature: what is tested is ours, not the broker's
                f"{way}.oauthbearer.sasl.jaas.config": f"{_MODULE}.oauthbearer.OAuthBearerLoginModule required "
                'unsecuredLoginStringClaim_sub="broker";',
            }
        return properties

    def _format_arguments(self) -> list[str]:
        return [
            word
            for user, password in self.passwords.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for word in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]

    def options(self, user: str = ADMIN) -> dict[str, Any]:
        """kafka-python's options of a user, written by hand and not by what is tested."""
        return {
            "security_protocol": "SASL_SSL",
            "ssl_cafile": str(self.authority.file),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": self.passwords[user],
        }

    def set_password(self, user: str, password: str) -> None:
        """Change what SCRAM knows of a user; connections that stand are not touched."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, **self.options())
        try:
            for bits in (256, 512):  # one at a time, or all are refused
                change = UserScramCredentialUpsertion(user, f"SCRAM-SHA-{bits}", password=password)
                refused = admin.alter_user_scram_credentials([change])[user]
                assert refused is None, refused
        finally:
            admin.close()

    def ready(self) -> bool:
        return broker_ready(self.bootstrap, **self.options())
