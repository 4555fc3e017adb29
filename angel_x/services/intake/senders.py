"""The account of a message: of the API key that has signed it, or of the name in it.

Any client of the message broker can name any account, so in production a message without a signature
is refused.  A signed message can be sent again by those who read it, with no effect: its orders have
client order ids.  A refused message is not stored and would be accepted later, so a signature ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from angel_x.domain.records.access import KeyRecord, Scope
from angel_x.domain.records.signature import Signature
from angel_x.errors import InvalidInput, SignatureRefused, UnknownAccount
from angel_x.services.intake.storable_text import check_text
from angel_x.services.ports import Clock

#: A message may wait for a server for that long.
LONGEST_WAIT = timedelta(days=1)
_CLOCKS_DIFFER = timedelta(minutes=5)
_REFUSAL = "the signature is not valid"


#: Returns the key of a prefix.
FindKey = Callable[[str], KeyRecord | None]


class Senders:
    """Finds the account of a message."""

    def __init__(
        self,
        *,
        account_id: Callable[[str], int],
        find_key: FindKey,
        clock: Clock,
        default_user: str | None,
        signed_only: bool,
    ) -> None:
        #: Returns the id of the account of a name.
        self._account_id = account_id
        self._find_key = find_key
        self._clock = clock
        self._default_user = default_user
        self._signed_only = signed_only

    def account_of(
        self, request: Mapping[str, Any], user: str | None, signature: str | None
    ) -> int:
        """Return the id of the account that a message is for.

        Raises:
            SignatureRefused: The signature is missing where it is needed, or not that of a valid key
                with the scope trade for this request and account.
            InvalidInput: The account is not known.
        """
        if signature is not None:
            return self._signer(request, user, signature)
        if self._signed_only:
            raise SignatureRefused("a signature is required, was none")
        name = self._default_user if user is None else user
        if name is None:
            raise InvalidInput("user is required, was none")
        return self._named(name)

    def _signer(self, request: Mapping[str, Any], user: str | None, text: str) -> int:
        try:
            signature = Signature.parse(text)
        except ValueError as error:
            raise SignatureRefused(str(error)) from None
        record = self._find_key(signature.prefix)
        if record is None or not signature.fits(request, record.digest) or record.revoked_at:
            raise SignatureRefused(_REFUSAL)
        if record.has_expired:
            raise SignatureRefused(f"the key {record.prefix} has expired")
        if not record.identity.allows(Scope.TRADE):
            raise SignatureRefused(f"the key {record.prefix} does not have the scope {Scope.TRADE}")
        self._check_age(signature)
        if user is not None and self._named(user) != record.user_id:
            raise SignatureRefused(f"the key {record.prefix} is of another account, was {user}")
        return record.user_id

    def _check_age(self, signature: Signature) -> None:
        signed_at = datetime.fromtimestamp(signature.signed_at, UTC)
        age = self._clock() - signed_at
        if not -_CLOCKS_DIFFER <= age <= LONGEST_WAIT:
            raise SignatureRefused(
                f"a signature is valid for {LONGEST_WAIT.days} day, was of {signed_at:%Y-%m-%dT%H:%M:%SZ}"
            )

    def _named(self, name: str) -> int:
        check_text("user", name)
        try:
            return self._account_id(name)
        except UnknownAccount as error:
            raise InvalidInput(str(error)) from error
