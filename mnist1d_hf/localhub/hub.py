"""The state of the embedded Hub, with access control."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from pathlib import Path

from mnist1d_hf.localhub.accounts import Accounts
from mnist1d_hf.localhub.contents import Contents
from mnist1d_hf.localhub.metadata import read_metadata
from mnist1d_hf.localhub.repo import Commit, Repo
from mnist1d_hf.localhub.routes import Routes
from mnist1d_hf.localhub.store import Store, damaged
from mnist1d_hf.localhub.wire import Answer, HubError, Request

GRANT_SECONDS = 3600
MAX_FILE = 900_000_000  # bytes; SQLite holds no value of 1 GB


class Hub:
    """Everything but HTTP. The dictionaries are a cache of the store."""

    url = cdn = ""  # the two origins, known once it is served

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        xet: bool = True,
        page_size: int = 1000,
        part_size: int = 64 << 20,
        max_file: int = MAX_FILE,
        redirect: bool = True,
    ):
        """Listings have `page_size` entries per page, and LFS uploads parts of `part_size` bytes.

        Files of more than `max_file` bytes are rejected before the upload. With `redirect`, regular
        files are served from a second address, as huggingface.co mostly does.

        Raises ValueError for a folder that another hub uses or that cannot be written, and for a
        damaged database.
        """
        self.xet, self.redirect = xet, redirect
        self.page_size, self.part_size, self.max_file = page_size, part_size, max_file
        self.store = Store(Path(directory) if directory else None)
        self.lock = threading.RLock()
        try:
            self.load()
        except Exception as error:
            self.store.close()
            # the message could contain parts of the file, including tokens
            raise damaged(self.store.name, type(error).__name__) from None

    def load(self) -> None:
        """Read the store, at the start and after a failed request."""
        self.accounts = Accounts(self.store)
        self.contents = Contents(self.store, self.max_file)
        self.repos: dict[tuple[str, str], Repo] = {}
        by_key: dict[str, Repo] = {}
        for key, value in self.store.items("repo"):
            repo = by_key[key] = Repo(**json.loads(value))
            self.repos[repo.type, repo.id.lower()] = repo
        for _, value in self.store.items("commit"):
            record = json.loads(value)
            repo = by_key[record.pop("repo")]
            repo.commits[record["oid"]] = Commit.load(record)
        for repo in by_key.values():
            missing = {*repo.refs.values()} - {*repo.commits}
            if missing or "refs/heads/main" not in repo.refs:
                raise ValueError(f"{repo.id} lacks commits")
        self.collections = {key: json.loads(v) for key, v in self.store.items("collection")}
        # names that repositories had before they were moved, "type name" -> key
        self.moved = {name: by_key.get(key.decode()) for name, key in self.store.items("moved")}
        self.secret = self.store.get("hub", "secret") or b""
        if not self.secret:
            self.secret = secrets.token_hex(16).encode()
            with self.store.transaction():
                self.store.put("hub", "secret", self.secret)

    def reset(self) -> None:
        """Delete everything."""
        with self.lock:
            self.store.clear()
            self.load()

    def add_user(
        self, name: str, token: str | None = None, role: str = "write", orgs: tuple[str, ...] = ()
    ) -> str:
        """Add a user who is a member of `orgs`; returns their existing, given or new token."""
        with self.lock, self.store.transaction():
            return self.accounts.add(name, token, role, orgs)

    def respond(self, routes: Routes, request: Request) -> Answer:
        """Answer one request in one transaction."""
        with self.lock:
            changed = False
            try:
                with self.store.transaction():
                    try:
                        route, arguments = routes.find(request.method, request.path)
                        if route.admit:
                            route.admit(self, request)
                        return Answer.of(route.function(self, request, *arguments))
                    finally:
                        changed = self.store.changed
            except BaseException:
                if changed:
                    self.load()
                raise

    # -- repositories --------------------------------------------------------------------------

    def repo(self, request: Request, repo_type: str, repo_id: str, write: bool = False) -> Repo:
        """A repository that the sender may read, or write if `write`; found by old names too."""
        name = repo_id.lower()
        repo = self.repos.get((repo_type, name)) or self.moved.get(f"{repo_type} {name}")
        user = self.accounts.user(request)
        if repo is None or not self.visible(repo, user):
            # the Hub does not tell a missing repository from a private one
            raise HubError(404 if user else 401, "Repository not found", "RepoNotFound")
        if write:
            self.accounts.writer(request, repo.namespace)
        return repo

    def push_target(
        self, request: Request, repo_type: str, repo_id: str, revision: str | None
    ) -> Repo:
        """A repository to whose `revision` the sender may push; None is a new pull request.

        Everyone who may read a repository may open a pull request, and push to it while it is open.
        All other revisions need write access to the namespace.
        """
        repo = self.repo(request, repo_type, repo_id)
        self.check_gate(request, repo)
        user = self.accounts.contributor(request)
        if revision is not None and repo.proposer(revision) != user:
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
        """Set a branch or pull request to a new commit."""
        repo.commits[commit.oid] = commit
        repo.refs[ref] = commit.oid
        self.store.put("commit", commit.oid, commit.dump(repo.key))
        self.save(repo)
        for file in commit.tree.values():
            self.contents.pending.pop(file.sha256 or "", None)
        return commit

    def rename(self, repo: Repo, repo_id: str) -> None:
        """Rename a repository; its old name redirects until another repository takes it."""
        self.store.put("moved", f"{repo.type} {repo.id.lower()}", repo.key.encode())
        self.moved[f"{repo.type} {repo.id.lower()}"] = repo
        self.repos[repo.type, repo_id.lower()] = self.repos.pop((repo.type, repo.id.lower()))
        repo.id = repo_id
        self.take_name(repo)
        self.save(repo)

    def take_name(self, repo: Repo) -> None:
        """Stop redirecting a name that a repository now has."""
        name = f"{repo.type} {repo.id.lower()}"
        if self.moved.pop(name, None):
            self.store.delete("moved", name)

    def remove(self, repo: Repo) -> None:
        """Delete a repository, and the contents that no other repository needs."""
        for oid in repo.commits:
            self.store.delete("commit", oid)
        self.store.delete("repo", repo.key)
        del self.repos[repo.type, repo.id.lower()]
        for name in [name for name, other in self.moved.items() if other is repo]:
            del self.moved[name]
            self.store.delete("moved", name)
        self.contents.free(repo.names(), self.names())

    def names(self) -> set[str]:
        """The contents that any commit needs, by SHA-256 or git digest."""
        return {name for repo in self.repos.values() for name in repo.names()}

    def collect(self) -> None:
        """Delete all contents that no commit needs, and compact the database."""
        with self.lock:
            with self.store.transaction():
                for key in self.store.keys("part"):
                    self.store.delete("part", key)
                there = {
                    key for kind in ("file", "lfs", "xet-sha") for key in self.store.keys(kind)
                }
                self.contents.free(there, self.names(), self.store.keys("xorb"))
            self.store.compact()

    # -- file contents -------------------------------------------------------------------------

    def text(self, commit: Commit, path: str) -> str:
        """A file as text; empty if it is missing or damaged, so that the request continues."""
        file = commit.tree.get(path)
        try:
            return self.contents.read(file).decode(errors="replace") if file else ""
        except HubError:
            return ""

    def card(self, commit: Commit) -> dict:
        return read_metadata(self.text(commit, "README.md"))[0] or {}

    # -- grants: short-lived permissions for the storage addresses, which get no user token ------

    def sign(self, text: str) -> str:
        digest = hmac.digest(self.secret, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:18]).decode()

    @staticmethod
    def same(given: str, expected: str) -> bool:
        """Compare a secret in constant time."""
        return hmac.compare_digest(given.encode(errors="replace"), expected.encode())

    def grant(self, method: str, path: str) -> str:
        """A signed address on the storage origin, valid for one operation and one hour."""
        expires = int(time.time()) + GRANT_SECONDS
        return f"{self.cdn}{path}?expires={expires}&sig={self.sign(f'{method} {path} {expires}')}"

    def check_grant(self, request: Request) -> None:
        if "authorization" in request.headers:  # a user's token must never reach storage
            raise HubError(400, "Only one auth mechanism allowed")
        expires = request.option("expires")
        method = "GET" if request.method == "HEAD" else request.method
        expected = self.sign(f"{method} {request.path} {expires}")
        if not self.same(request.option("sig"), expected) or int(expires) < time.time():
            raise HubError(403, "AccessDenied: the signature is wrong or has expired")
