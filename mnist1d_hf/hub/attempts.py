"""Retries of requests to the Hub, and one-line explanations of failures.

tenacity could run the loop; the rules are specific to the Hub: which status codes and errors of
hf_xet are transient, how long the Hub asks to wait, and what the user should do.
"""

import errno
import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

from mnist1d_hf.hub.interrupt import check_stop, run_aside

Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)

ATTEMPTS = 8
LONGEST_WAIT = 30.0  # seconds
SILENCE = 2.0  # seconds before a retry that are not reported
PATIENCE = 10.0  # seconds before a running call is reported
TRANSIENT = {408, 409, 412, 429}  # and every 5xx
# errors of this machine's disk
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENOENT}

AGAIN = "run the same command again: it continues where it stopped"
ADVICE = {
    401: "log in with `hf auth login`, or set HF_TOKEN to a token that is still valid",
    403: "use a token with write access to this namespace, or choose a namespace of yours",
    404: "check the name, and that the token may see the repository",
    413: "the Hub takes no file of this size",
    429: "the Hub asks to wait: " + AGAIN,
}


class PublishError(Exception):
    """A failed publication; the message is one line with the reason and what to do."""


def attempt(what: str, call: Callable[[], Answer]) -> Answer:
    """Call `call` until it succeeds; PublishError after a permanent failure or ATTEMPTS failures.

    An error may limit the number of attempts by its attribute `attempts`. Retries and long calls
    are logged as warnings, in which `what` names the call.
    """
    for number in range(1, ATTEMPTS + 1):
        check_stop()
        try:
            return run_aside(call, Reminder(what))
        except (OSError, httpx2.HTTPError, RuntimeError, ValueError) as error:
            check_stop()  # hf_xet converts KeyboardInterrupt to another error
            most = min(ATTEMPTS, getattr(error, "attempts", ATTEMPTS))
            if number >= most or not is_transient(error):
                raise PublishError(explain(what, error)) from error
            seconds = delay(error, number)
            if seconds > SILENCE:
                logger.warning(
                    f"{what} failed: {reason(error)}; trying again in {seconds:.0f} s "
                    f"({number} of {most - 1})"
                )
            time.sleep(seconds)
    raise AssertionError("unreachable")


class Reminder:
    """Logs a running call after PATIENCE seconds, and then at doubling intervals."""

    def __init__(self, what: str):
        self.what, self.next = what, PATIENCE

    def __call__(self, seconds: float) -> None:
        if seconds >= self.next:
            self.next *= 2
            logger.warning(f"{self.what}: {seconds:.0f} s so far (at {constants.ENDPOINT})")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def status(error: BaseException) -> int | None:
    """The HTTP status of an error or of its causes; that of hf_xet is in its message only."""
    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError | httpx2.HTTPStatusError):
            return cause.response.status_code
        match = re.search(r"HTTP status \w+ error \((\d{3})", str(cause))
        if match:
            return int(match[1])
    return None


def is_transient(error: BaseException) -> bool:
    code = status(error)
    if code is not None:
        return code in TRANSIENT or code >= 500
    permanent = ValueError | LocalTokenNotFoundError | OfflineModeIsEnabled
    if isinstance(error, permanent) or disk_error(error):
        return False
    return True  # connection errors, and hf_xet's ConnectionError and RuntimeError


def disk_error(error: BaseException) -> str | None:
    """The message of a disk error among the causes, or None; hf_xet has the number in its message
    only."""
    for cause in causes(error):
        match = re.search(r"\(os error (\d+)\)", str(cause))
        code = int(match[1]) if match else getattr(cause, "errno", None)
        if code in FULL | FORBIDDEN:
            return str(cause)
    return None


def delay(error: BaseException, number: int) -> float:
    """Seconds before a retry: what the Hub asks for, else exponential backoff with jitter."""
    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            headers = cause.response.headers
            asked = re.search(r"\bt=(\d+)", headers.get("RateLimit", ""))
            seconds = asked[1] if asked else headers.get("Retry-After", "")
            if seconds.isdigit():
                return min(float(seconds) + 1, 10 * LONGEST_WAIT)
    return min(2.0 ** (number - 1), LONGEST_WAIT) * random.Random().uniform(0.5, 1.0)


def reason(error: BaseException) -> str:
    """The reason of a failure in one line, with the Hub's address and without tokens."""
    text = " ".join((disk_error(error) or str(error) or repr(error)).split())
    of_the_hub = not isinstance(error, ValueError) and not disk_error(error)
    if of_the_hub and (address := address_of(error)) not in text:
        text = f"{text} (at {address})"
    return without_tokens(text)


def without_tokens(text: str) -> str:
    return re.sub(r"hf_[A-Za-z0-9]{4,}", "hf_...", text)


def address_of(error: BaseException) -> str:
    """The address of the server in the error, or else of the Hub."""
    for cause in causes(error):
        if isinstance(cause, httpx2.RequestError) and cause._request is not None:
            return f"{cause.request.url.scheme}://{cause.request.url.netloc.decode()}"
    return constants.ENDPOINT


def explain(what: str, error: BaseException) -> str:
    """The failure and what the user should do, in one line."""
    code, full = status(error), disk_error(error)
    if isinstance(error, LocalTokenNotFoundError):
        code = 401
    if full:
        advice = "free some space, or point TMPDIR and HF_HOME to a writable disk"
    elif code is not None and code in ADVICE:
        advice = ADVICE[code]
    elif isinstance(error, ValueError):
        advice = "correct it; nothing was sent"
    elif isinstance(error, OfflineModeIsEnabled):
        advice = "unset HF_HUB_OFFLINE"
    else:
        advice = AGAIN
    return f"{what} failed: {reason(error)}; {advice}"
