"""The state of the embedded Hub, and who may see and change what of it."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from pathlib import Path

from mnist1d_hf.localhub.accounts import Accounts
from mnist1d_hf.localhub.metadata import read_metadata
from mnist1d_hf.localhub.repo import Commit, File, Repo
from mnist1d_hf.localhub.store import Store
from mnist1d_hf.localhub.wire import Answer, HubError, Request, Routes

GRANT_SECONDS = 3600


class Hub:
    """Everything but HTTP. The store holds the truth; the dictionaries here are what was read."""

    url = cdn = ""  # the two origins, known once it is served

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        xet: bool = True,
        page_size: int = 1000,
        part_size: int = 64 << 20,
        redirect: bool = True,
    ):
        """`page_size` entries a listing page, `part_size` bytes from which an LFS upload is cut.

        With `redirect`, a regular file is answered by way of a second address, as huggingface.co
        mostly does.
        """
        self.xet, self.redirect = xet, redirect
        self.page_size, self.part_size = page_size, part_size
        self.store = Store(Path(directory) if directory else None)
        self.lock = threading.RLock()
        self.load()

    def load(self) -> None:
        """Read the store: at the start, and after a request that failed half-way."""
        self.accounts = Accounts(self.store)
        self.repos: dict[tuple[str, str], Repo] = {}
        by_key: dict[str, Repo] = {}
        for key, value in self.store.items("repo"):
            repo = by_key[key] = Repo(**json.loads(value))
            self.repos[repo.type, repo.id.lower()] = repo
        for _, value in self.store.items("commit"):
            record = json.loads(value)
            repo = by_key[record.pop("repo")]
            repo.commits[record["oid"]] = Commit.load(record)
        self.collections = {key: json.loads(v) for key, v in self.store.items("collection")}
        self.secret = self.store.get("hub", "secret") or b""
        if not self.secret:
            self.secret = secrets.token_hex(16).encode()
            with self.store.transaction():
                self.store.put("hub", "secret", self.secret)

    def reset(self) -> None:
        """Forget everything, as a new hub would."""
        with self.lock:
            self.store.clear()
            self.load()

    def add_user(
        self, name: str, token: str | None = None, role: str = "write", orgs: tuple[str, ...] = ()
    ) -> str:
        """Add a user, member of `orgs`; return the token, the one they have unless it is given."""
        with self.lock, self.store.transaction():
            return self.accounts.add(name, token, role, orgs)

    def respond(self, routes: Routes, request: Request) -> Answer:
        """One request, as one transaction."""
        with self.lock:
            changed = False
            try:
                with self.store.transaction():
                    try:
                        route, arguments = routes.find(request.method, request.path)
                        return Answer.of(route(self, request, *arguments))
                    finally:
                        changed = self.store.changed
            except BaseException:
                if changed:
                    self.load()
                raise

    # -- repositories --------------------------------------------------------------------------

    def repo(self, request: Request, repo_type: str, repo_id: str, write: bool = False) -> Repo:
        """A repository the sender may see, and may change when `write`."""
        repo = self.repos.get((repo_type, repo_id.lower()))
        user = self.accounts.user(request)
        if repo is None or not self.visible(repo, user):
            # the Hub does not tell a missing repository from a private one
            raise HubError(404 if user else 401, "Repository not found", "RepoNotFound")
        if write:
            self.accounts.writer(request, repo.namespace)
        return repo

    def visible(self, repo: Repo, user: str | None) -> bool:
        return not repo.private or self.accounts.belongs(user, repo.namespace)

    def check_gate(self, request: Request, repo: Repo) -> None:
        user = self.accounts.user(request)
        if repo.gated and not self.accounts.belongs(user, repo.namespace):
            status = 403 if user else 401
            raise HubError(status, f"Access to {repo.type} {repo.id} is restricted.", "GatedRepo")

    def save(self, repo: Repo) -> None:
        self.store.put("repo", repo.key, repo.dump())

    def add_commit(self, repo: Repo, ref: str, commit: Commit) -> Commit:
        """Let a branch or pull request point to a new commit."""
        repo.commits[commit.oid] = commit
        repo.refs[ref] = commit.oid
        self.store.put("commit", commit.oid, commit.dump(repo.key))
        self.save(repo)
        return commit

    def remove(self, repo: Repo) -> None:
        for oid in repo.commits:
            self.store.delete("commit", oid)
        self.store.delete("repo", repo.key)
        del self.repos[repo.type, repo.id.lower()]

    # -- file contents -------------------------------------------------------------------------

    def put_regular(self, data: bytes) -> File:
        file = File.regular(data)
        self.store.put("file", file.oid, data)
        return file

    def content(self, file: File) -> bytes:
        kind, key = ("lfs", file.sha256) if file.sha256 else ("file", file.oid)
        data = self.store.get(kind, key)
        assert data is not None, f"the store lost {kind} {key}"
        return data

    def text(self, commit: Commit, path: str) -> str:
        """A file as text; empty when it is not there."""
        file = commit.tree.get(path)
        return self.content(file).decode(errors="replace") if file else ""

    def card(self, commit: Commit) -> dict:
        return read_metadata(self.text(commit, "README.md"))[0] or {}

    # -- grants: short-lived permissions for the storage addresses, which get no user token ------

    def sign(self, text: str) -> str:
        digest = hmac.digest(self.secret, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def grant(self, method: str, path: str) -> str:
        """The address on the storage origin that lets anyone do just this, for an hour."""
        expires = int(time.time()) + GRANT_SECONDS
        return f"{self.cdn}{path}?expires={expires}&sig={self.sign(f'{method} {path} {expires}')}"

    def check_grant(self, request: Request) -> None:
        if "authorization" in request.headers:  # a user's token must never reach storage
            raise HubError(400, "Only one auth mechanism allowed")
        expires = request.query.get("expires", "")
        method = "GET" if request.method == "HEAD" else request.method
        expected = self.sign(f"{method} {request.path} {expires}").encode()
        valid = hmac.compare_digest(expected, request.query.get("sig", "").encode())
        if not valid or int(expires) < time.time():
            raise HubError(403, "AccessDenied: the signature is wrong or has expired")
