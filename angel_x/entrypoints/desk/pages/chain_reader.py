"""The chain of one page: read as a whole now and then, and told by the stream in between."""

from __future__ import annotations

from datetime import date
from math import inf
from typing import TYPE_CHECKING

from angel_x.entrypoints.desk.quote_feed import QuoteFeed
from angel_x.entrypoints.desk.reading import ApiReading
from angel_x.entrypoints.desk.views.live_chain import LiveChain, shown_symbols, watched_symbols

if TYPE_CHECKING:
    from angel_x.domain.chains.chain_record import OptionChain
    from angel_x.entrypoints.desk.pages.basket import BasketBuilder
    from angel_x.entrypoints.desk.pages.frame import Frame

#: Seconds between two readings of the whole chain: with the stream, and without it.
_WHOLE_SECONDS = 10.0
_ALONE_SECONDS = 0.5
FIRST = "NIFTY"


class ChainReader:
    """Reads the chain that is shown, and follows its contracts by the stream."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        #: The chain with the newest quotes.
        self.reading: ApiReading[OptionChain] = ApiReading()
        self.feed: QuoteFeed | None = None
        self.underlying = FIRST
        self.expiry: date | None = None
        self.builder: BasketBuilder | None = None
        #: The chain as it was read as a whole.
        self._whole: ApiReading[OptionChain] = ApiReading()
        self._live_chain = LiveChain()
        self._read_at = -inf
        self._is_reading = False
        self._shown: tuple[int, bool] | None = None

    async def refresh(self, strikes: int) -> bool:
        """Bring the chain up to date; return whether there is something new to show."""
        is_new = self._is_due() and await self._read()
        chain, feed = self._whole.value, self.feed
        if chain is None:
            self.reading = self._frame.readings["chain"] = self._whole
            return is_new
        if is_new or feed is None or feed.is_over:
            feed = self._followed(chain, strikes)
        feed.look()
        state = feed.updates, feed.is_live
        if not is_new and state == self._shown:
            return False
        self._shown = state
        self.reading = self._frame.readings["chain"] = self._live(self._whole, chain, feed)
        return True

    def turn(self, underlying: str, expiry: date | None) -> None:
        """Show another chain from the next reading on; nothing of the former one stays."""
        self.underlying, self.expiry = underlying, expiry
        self.reading = self._whole = self._frame.readings["chain"] = ApiReading()
        self._live_chain = LiveChain()
        self.reread()

    def reread(self) -> None:
        """Read the whole chain, and watch its contracts anew, with the next look."""
        self._read_at = -inf
        if self.feed is not None:
            self.feed.leave()

    def _is_due(self) -> bool:
        is_live = self.feed is not None and self.feed.is_live and not self.feed.is_over
        pause = _WHOLE_SECONDS if is_live else _ALONE_SECONDS
        return not self._is_reading and self._frame.account.clock() - self._read_at >= pause

    async def _read(self) -> bool:
        """Read the whole chain; False if another one is shown by now."""
        self._is_reading, self._read_at = True, self._frame.account.clock()
        client, wanted = self._frame.account.client, (self.underlying, self.expiry)
        try:
            found = await self._frame.attempt(
                self._whole.again,
                lambda: client.option_chain(*wanted),
                self._frame.account.clock,
            )
        finally:
            self._is_reading = False
        if found is None or wanted != (self.underlying, self.expiry):
            return False
        self._whole = found
        return True

    def _followed(self, chain: OptionChain, strikes: int) -> QuoteFeed:
        """Return a feed of the contracts that are shown, a new one where the former lacks some."""
        feed = self.feed
        if feed is None or feed.is_over or not shown_symbols(chain, strikes) <= feed.symbols:
            if feed is not None:
                feed.leave()
            account = self._frame.account
            feed = QuoteFeed(account.client, watched_symbols(chain, strikes), account.clock)
            feed.start()
            self.feed = feed
        return feed

    def _live(
        self, whole: ApiReading[OptionChain], chain: OptionChain, feed: QuoteFeed
    ) -> ApiReading[OptionChain]:
        if not feed.is_live or feed.now is None:
            return whole
        live = self._live_chain.with_quotes(chain, feed.contracts, feed.spots, feed.now)
        return ApiReading(live, feed.heard_at, whole.failure)
