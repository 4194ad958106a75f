"""Which Temporal to talk to, and how: our settings on top of Temporal's own variables."""

from dataclasses import dataclass
from typing import Self

from temporalio.envconfig import ClientConfigProfile, ClientConnectConfig

from flowforge.errors import StartupError
from flowforge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalTarget:
    """A Temporal frontend and what it takes to connect to it.

    Attributes:
        address: host:port.
        namespace: the namespace everything of ours lives in.
        is_given: whether somebody named this Temporal; if so it is never started by us, only connected to.
        ui_url: where a browser finds the UI; no trailing slash.
        profile: credentials, TLS and metadata from Temporal's own variables; None for a plain connection.
    """

    address: str
    namespace: str = "default"
    is_given: bool = True
    ui_url: str = "http://localhost:8233"
    profile: ClientConfigProfile | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Work out the target. TEMPORAL_HOST wins over TEMPORAL_ADDRESS, all else is Temporal's own variables.

        Temporal's configuration file is read only where TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE asks for it: a demo
        must not reach a production cluster because a file in the home directory names one.

        Raises:
            StartupError: Temporal's own variables contradict one another or name what cannot be read.
        """
        environment = settings.temporal_environment
        wants_file = bool(environment.get("TEMPORAL_CONFIG_FILE") or environment.get("TEMPORAL_PROFILE"))
        try:
            profile = ClientConfigProfile.load(override_env_vars=environment, disable_file=not wants_file)
        except (RuntimeError, ValueError, OSError) as error:
            raise StartupError(f"Temporal's own variables (TEMPORAL_*) cannot be used: {_line(error)}") from None
        host_is_given = "temporal_host" in settings.model_fields_set
        return cls(
            address=settings.temporal_host if host_is_given else profile.address or settings.temporal_host,
            namespace=profile.namespace or "default",
            is_given=settings.temporal_is_given,
            ui_url=settings.temporal_ui_url,
            profile=profile,
        )

    def connect_config(self) -> ClientConnectConfig:
        """Return the keyword arguments of `Client.connect` that say where and as whom.

        Raises:
            StartupError: a certificate or key named by TEMPORAL_TLS_* cannot be read.
        """
        try:
            config = self.profile.to_client_connect_config() if self.profile is not None else ClientConnectConfig()
        except OSError as error:
            raise StartupError(f"TEMPORAL_TLS_*: {error.filename} cannot be read ({error.strerror})") from None
        config["target_host"] = self.address
        config["namespace"] = self.namespace
        return config


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
