"""The whole exception tree.

    QwenAgentError(message, hint=...)
    ├─ UsageError                                            exit 2
    ├─ ConfigError · AssetError
    ├─ PlanError                                             exit 2
    ├─ ModelError
    │    ├─ UnknownModel                                     exit 2
    │    ├─ ModelNotFound · DownloadFailed · ChecksumMismatch · ModelLoadFailed
    ├─ EngineError
    │    ├─ ContextOverflow
    │    └─ EngineCrashed                                    retryable
    ├─ GrammarError
    │    └─ UnsupportedSchema · InvalidGrammar
    ├─ WorkspaceError
    │    ├─ NotARepository · DirtyTree · GitFailed
    │    └─ PathEscapes · EditRefused                        answers to the model, not crashes
    ├─ ChecksError
    ├─ EscalationError                                       has what it may have cost
    │    ├─ FrontierMissing · KeyMissing · KeyRefused · AccessDenied · PaymentNeeded
    │    ├─ NoSuchModel · RequestTooLong · RequestRefused
    │    ├─ RateLimited · ProviderDown · CannotConnect · TimedOut
    │    └─ AnswerCut · AnswerMalformed · AnswerEmpty · AnswerRefused · PatchMalformed
    └─ ApprovalNeeded                                        exit 5

Every message names the thing, the numbers and the next move; `hint` is the next move when it
deserves a line of its own. What the model does wrong is not here: it is a ToolResult.
"""

from __future__ import annotations

from typing import ClassVar


class QwenAgentError(Exception):
    """Base of everything this program raises on purpose.

    Attributes:
        message: one sentence: the thing and the numbers.
        hint: what the user can do next; empty if the message says it.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # The default drops keyword arguments, and errors cross the pipe from the engine worker.
        return (_rebuild, (type(self), self.message, self.hint))


def reason(error: Exception) -> str:
    """Return what a foreign error says, for a message: without its number, class and path."""
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return f"it is not UTF-8: byte {error.start:,} is 0x{byte:02x}"
    return getattr(error, "strerror", None) or str(error)


def _rebuild(kind: type[QwenAgentError], message: str, hint: str) -> QwenAgentError:
    return kind(message, hint=hint)


class UsageError(QwenAgentError):
    """A flag or argument that cannot be meant."""

    exit_code = 2


class ConfigError(QwenAgentError):
    """A setting that is unknown or has the wrong type; the message has its path."""

    exit_code = 2


class AssetError(QwenAgentError):
    """A prompt, grammar or card that should ship with the package is missing or malformed."""

    exit_code = 3


class PlanError(QwenAgentError):
    """A plan file that is missing, unreadable or has no steps."""

    exit_code = 2


class ModelError(QwenAgentError):
    """Something about a model file."""


class UnknownModel(ModelError):
    """No card has this name."""

    exit_code = 2


class ModelNotFound(ModelError):
    """The card is known but its file is not on this machine."""


class DownloadFailed(ModelError):
    """No source delivered the file."""

    retryable = True


class ChecksumMismatch(ModelError):
    """The bytes are not the official ones."""


class ModelLoadFailed(ModelError):
    """llama.cpp refused the file or ran out of memory while loading."""


class EngineError(QwenAgentError):
    """The engine could not answer."""


class ContextOverflow(EngineError):
    """Prompt and answer do not fit into n_ctx."""


class EngineCrashed(EngineError):
    """The worker process died; the next call starts a new one."""

    retryable = True


class GrammarError(QwenAgentError):
    """A grammar that cannot be built or parsed."""

    exit_code = 3


class UnsupportedSchema(GrammarError):
    """A JSON Schema feature that the generator does not express; the message has its JSON path."""


class InvalidGrammar(GrammarError):
    """GBNF that does not parse; the message has rule and line."""


class WorkspaceError(QwenAgentError):
    """Something about the user's repository."""


class NotARepository(WorkspaceError):
    """There is no git repository here, or no git."""


class DirtyTree(WorkspaceError):
    """`run` wants a clean tree and this one has changes."""


class GitFailed(WorkspaceError):
    """A git command failed; the message has command, exit code and stderr."""


class PathEscapes(WorkspaceError):
    """A path that leads out of the repository or into a protected place."""


class EditRefused(WorkspaceError):
    """An edit that would not do what it says; the message tells the model what to do instead."""


class ChecksError(QwenAgentError):
    """The project's tests cannot be run at all (no interpreter, command not found)."""


class EscalationError(QwenAgentError):
    """A provider was not asked, did not answer, or what it answered cannot be used.

    Attributes:
        spent: tokens that this may have cost: read anew, read from the provider's cache, written.
            As the provider told it where it did, else the most it can have been.
    """

    def __init__(
        self, message: str, *, hint: str = "", spent: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        super().__init__(message, hint=hint)
        self.spent = spent

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"spent": self.spent})


class FrontierMissing(EscalationError):
    """The SDK of a provider's protocol is not installed."""


class KeyMissing(EscalationError):
    """A provider wants a key and there is none, or it cannot be had."""


class KeyRefused(EscalationError):
    """The provider does not know the key (HTTP 401)."""


class AccessDenied(EscalationError):
    """The key is good and may not do this (HTTP 403)."""


class PaymentNeeded(EscalationError):
    """The account has no money or quota left."""


class NoSuchModel(EscalationError):
    """The provider has no model of this name, or nothing at this address (HTTP 404)."""


class RequestTooLong(EscalationError):
    """The request and its answer do not fit into the model's context."""


class RequestRefused(EscalationError):
    """The provider does not take the request as it is, and will not later."""


class RateLimited(EscalationError):
    """Too many requests (HTTP 429), and waiting as long as is allowed did not help."""


class ProviderDown(EscalationError):
    """The provider failed or is overloaded (HTTP 5xx), several times."""


class CannotConnect(EscalationError):
    """No connection to the provider: refused, no such host, a bad certificate."""


class TimedOut(EscalationError):
    """The provider was silent for too long, before its answer or in the middle of it."""


class AnswerCut(EscalationError):
    """The answer ended before it was complete."""


class AnswerMalformed(EscalationError):
    """What came back is not in the form of the protocol."""


class AnswerEmpty(EscalationError):
    """The answer is complete and says nothing."""


class AnswerRefused(EscalationError):
    """The model, or a filter in front of it, declined to answer."""


class PatchMalformed(EscalationError):
    """The answer is text, and not a patch in the form that was asked for."""


class ApprovalNeeded(QwenAgentError):
    """Somebody has to say yes and there is nobody to ask."""

    exit_code = 5
