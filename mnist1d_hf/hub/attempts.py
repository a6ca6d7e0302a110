"""Ask the Hub again where that may help, and say in one line why and what to do where not."""

import errno
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx2
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

Answer = TypeVar("Answer")

ATTEMPTS = 8
LONGEST_WAIT = 30.0  # seconds
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
    """Call until it succeeds, fails for good, or has failed ATTEMPTS times; then `PublishError`."""
    for number in range(1, ATTEMPTS + 1):
        try:
            return call()
        except (OSError, httpx2.HTTPError, RuntimeError, ValueError) as error:
            if number == ATTEMPTS or not is_transient(error):
                raise PublishError(explain(what, error)) from error
            time.sleep(delay(error, number))
    raise AssertionError("unreachable")


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


def explain(what: str, error: BaseException) -> str:
    code, full = status(error), disk_error(error)
    if isinstance(error, LocalTokenNotFoundError):
        code = 401
    text = " ".join((full or str(error)).split())
    if full:
        advice = "free some space, or point TMPDIR and HF_HOME to a writable disk"
    elif code is not None and code in ADVICE:
        advice = ADVICE[code]
    elif isinstance(error, ValueError):
        advice = "correct it; nothing was sent"
    else:
        advice = AGAIN
    return f"{what} failed: {re.sub(r'hf_[A-Za-z0-9]{4,}', 'hf_...', text)}; {advice}"
