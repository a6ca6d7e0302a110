"""Users, organisations and tokens, and their permissions."""

import json
import re
import secrets

from mnist1d_hf.localhub.store import Store
from mnist1d_hf.localhub.wire import HubError, Request, now

ROLES = ("read", "write")


class Accounts:
    def __init__(self, store: Store):
        self.store = store
        self.organizations: dict[str, list[str]] = {}  # user -> organisations
        self.tokens: dict[str, tuple[str, str]] = {}  # token -> (user, role)
        for user, value in store.items("user"):
            self.organizations[user] = json.loads(value)
        for token, value in store.items("token"):
            user, role = json.loads(value)
            self.tokens[token] = (user, role)

    def add(
        self, user: str, token: str | None, role: str = "write", orgs: tuple[str, ...] = ()
    ) -> str:
        """Add a user, or a token for one that exists; return the token.

        Without a token, the one the user has in this role is returned, or a new one is drawn.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,95}", user):
            raise ValueError(f"user {user!r}: letters, digits and dashes, not a dash first")
        if role not in ROLES:
            raise ValueError(f"role {role!r}: one of {', '.join(ROLES)}")
        known = (t for t, account in self.tokens.items() if account == (user, role))
        token = token or next(known, None) or "hf_local" + secrets.token_hex(16)
        self.organizations.setdefault(user, list(orgs))
        self.tokens[token] = (user, role)
        self.store.put("user", user, json.dumps(self.organizations[user]).encode())
        self.store.put("token", token, json.dumps([user, role]).encode())
        return token

    def user(self, request: Request) -> str | None:
        """The user of a request, or None without a token; HubError for an invalid token."""
        return self.identify(request)[0]

    def identify(self, request: Request) -> tuple[str | None, str]:
        token = request.bearer
        if token is None:
            return None, "read"
        if token not in self.tokens:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.tokens[token]

    def known(self, request: Request) -> str:
        """The user of a request; HubError without a token."""
        user = self.user(request)
        if user is None:
            raise HubError(401, "Invalid username or password.")
        return user

    def belongs(self, user: str | None, namespace: str) -> bool:
        return user is not None and namespace in (user, *self.organizations.get(user, []))

    def contributor(self, request: Request) -> str:
        """The user of a request; HubError for a read-only token."""
        user = self.known(request)
        if self.identify(request)[1] != "write":
            raise HubError(403, "Forbidden: this token has role 'read', writing needs role 'write'")
        return user

    def writer(self, request: Request, namespace: str) -> str:
        """The user of a request; HubError unless they may write in the namespace."""
        user = self.contributor(request)
        if not self.belongs(user, namespace):
            raise HubError(
                403, f"Forbidden: {user} has no right to write under the namespace {namespace!r}"
            )
        return user

    def whoami(self, request: Request) -> dict:
        user = self.known(request)
        orgs = [
            {"type": "org", "name": o, "fullname": o, "roleInOrg": "admin", "isEnterprise": False}
            for o in self.organizations.get(user, [])
        ]
        role = self.identify(request)[1]
        return {
            "type": "user",
            "id": user,
            "name": user,
            "fullname": user,
            "email": f"{user}@example.org",
            "emailVerified": True,
            "canPay": False,
            "isPro": False,
            "orgs": orgs,
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": "local", "role": role, "createdAt": now()},
            },
        }
