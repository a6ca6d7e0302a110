"""Ask the Hub again where that may help, and say in one line why and what to do where not."""

import errno
import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from mnist1d_hf.hub.interrupt import check_stop, run_aside

Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)

ATTEMPTS = 8
LONGEST_WAIT = 30.0  # seconds
SILENCE = 2.0  # seconds of waiting before a retry that need no explanation
PATIENCE = 10.0  # seconds before a line says what is still under way
TRANSIENT = {408, 409, 412, 429}  # and every 5xx
# what keeps a file from being written here
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
    """Why something is not published, and what to do, in one line."""


def attempt(what: str, call: Callable[[], Answer]) -> Answer:
    """Call until it succeeds, fails for good, or has failed ATTEMPTS times; then `PublishError`.

    An error may say itself, by its attribute `attempts`, that fewer are enough.
    What it waits for goes to the log as a warning: before a retry, and when a call takes long.
    """
    for number in range(1, ATTEMPTS + 1):
        check_stop()
        try:
            return run_aside(call, Reminder(what))
        except (OSError, httpx2.HTTPError, RuntimeError, ValueError) as error:
            check_stop()  # hf_xet makes an error of its own of it
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
    """Says after PATIENCE seconds, and then ever more seldom, what is still under way."""

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
    """The HTTP status behind an error, through the errors it was wrapped in, and hf_xet's words."""
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
    if isinstance(error, ValueError | LocalTokenNotFoundError) or disk_error(error):
        return False
    return True  # the connection, or hf_xet, whose errors are ConnectionError and RuntimeError


def disk_error(error: BaseException) -> str | None:
    """What this machine's disk has to do with it; hf_xet tells only in words."""
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
    return min(2.0 ** (number - 1), LONGEST_WAIT) * random.uniform(0.5, 1.0)


def reason(error: BaseException) -> str:
    """Why a call failed, in one line with the Hub's address and without a token."""
    text = " ".join((disk_error(error) or str(error) or repr(error)).split())
    of_the_hub = not isinstance(error, ValueError) and not disk_error(error)
    if of_the_hub and (address := address_of(error)) not in text:
        text = f"{text} (at {address})"
    return without_tokens(text)


def without_tokens(text: str) -> str:
    return re.sub(r"hf_[A-Za-z0-9]{4,}", "hf_...", text)


def address_of(error: BaseException) -> str:
    """Of the server that was asked, where the error tells; else of the Hub."""
    for cause in causes(error):
        if isinstance(cause, httpx2.RequestError) and cause._request is not None:
            return f"{cause.request.url.scheme}://{cause.request.url.netloc.decode()}"
    return constants.ENDPOINT


def explain(what: str, error: BaseException) -> str:
    """The failure and what to do about it, in one line."""
    code, full = status(error), disk_error(error)
    if isinstance(error, LocalTokenNotFoundError):
        code = 401
    if full:
        advice = "free some space, or point TMPDIR and HF_HOME to a writable disk"
    elif code is not None and code in ADVICE:
        advice = ADVICE[code]
    elif isinstance(error, ValueError):
        advice = "correct it; nothing was sent"
    else:
        advice = AGAIN
    return f"{what} failed: {reason(error)}; {advice}"
