"""Frames of the market data socket: the broker's own parser reads them alike, and nothing else is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.adapters.angel_one.market_frames import (
    FRAMES,
    Fault,
    Instrument,
    Instruments,
    Mode,
    decode,
)

TOKEN = "40921"
INSTRUMENTS = Instruments([Instrument(1, TOKEN), Instrument(2, "7"), Instrument(2, TOKEN)])
#: The place of the instrument of :func:`frame`.
PLACE = 2
_HEAD = struct.Struct("<BB25sqqq")
_DAY = struct.Struct("<qqqddqqqq")
_LEVELS = b"".join(
    struct.pack("<HqqH", side, size, price, 1)
    for side, size, price in [
        (1, 195, 18_695),
        *[(1, 1, 1)] * 4,
        (0, 130, 18_700),
        *[(0, 1, 1)] * 4,
    ]
)


def frame(
    mode: int = 3,
    *,
    exchange: int = 2,
    token: bytes = TOKEN.encode(),
    last: int = 18_700,
    time: int = 1_787_125_080_000,
    volume: int = 10,
    oi: int = 20,
    levels: bytes = _LEVELS,
) -> bytes:
    made = _HEAD.pack(mode, exchange, token, 5, time, last)
    if mode > 1:
        made += _DAY.pack(1, 1, volume, 1.0, 1.0, 1, 1, 1, 1)
    if mode > 2:
        made += struct.pack("<qqd", 0, oi, 0.0) + levels + struct.pack("<qqqq", 1, 1, 1, 1)
    return made


def test_the_layouts_are_those_of_the_contract() -> None:
    assert {mode: layout.itemsize for mode, layout in FRAMES.items()} == {
        Mode.LAST: 51,
        Mode.QUOTE: 123,
        Mode.SNAP_QUOTE: 379,
    }


@pytest.mark.parametrize("name", ["ltp", "quote", "snap_quote"])
def test_a_frame_is_read_as_the_official_client_reads_it(name: str, reference_folder: Path) -> None:
    file = reference_folder / "smartws_v2_golden_packets.json"
    packets = json.loads(file.read_text(encoding="utf-8"))
    packet, parsed = packets["packets"][name], packets["packets"][name]["official_sdk_parse"]

    (ticks,) = decode([bytes.fromhex(packet["hex"])], INSTRUMENTS).ticks

    quote = ticks.quotes[0]
    assert (ticks.places[0], ticks.mode) == (PLACE, parsed["subscription_mode"])
    assert ticks.times[0] == parsed["exchange_timestamp"]
    assert ticks.sequences[0] == parsed["sequence_number"]
    assert quote["last"] == parsed["last_traded_price"]
    assert quote["volume"] == parsed.get("volume_trade_for_the_day", 0)
    assert quote["oi"] == parsed.get("open_interest", 0)
    bid = parsed.get("best_5_buy_data", [{"price": 0, "quantity": 0}])[0]
    ask = parsed.get("best_5_sell_data", [{"price": 0, "quantity": 0}])[0]
    assert (quote["bid"], quote["bid_size"]) == (bid["price"], bid["quantity"])
    assert (quote["ask"], quote["ask_size"]) == (ask["price"], ask["quantity"])


def test_frames_of_all_modes_come_in_the_order_of_their_arrival() -> None:
    frames = [frame(1, last=1), frame(3, last=2), frame(1, token=b"7", last=3), frame(2, last=4)]

    decoded = decode(frames, INSTRUMENTS)

    found = {
        ticks.mode: list(zip(ticks.places, ticks.quotes["last"], strict=True))
        for ticks in decoded.ticks
    }
    assert found == {
        Mode.LAST: [(PLACE, 1), (1, 3)],
        Mode.QUOTE: [(PLACE, 4)],
        Mode.SNAP_QUOTE: [(PLACE, 2)],
    }
    assert decoded.faults == {}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (b"", Fault.LENGTH),
        (frame(1)[:-1], Fault.LENGTH),
        (frame(3) + b"\0", Fault.LENGTH),
        (b"\x02" + frame(1)[1:], Fault.MODE),
        (b"\x00" + frame(3)[1:], Fault.MODE),
        (frame(1, token=b"8"), Fault.UNKNOWN),
        (frame(1, token=b"409210000"), Fault.UNKNOWN),
        (frame(1, exchange=4), Fault.UNKNOWN),
        (frame(1, exchange=255), Fault.UNKNOWN),
        (frame(1, token=b"40921\0\0001"), Fault.TOKEN),
        (frame(1, token=b"4092x"), Fault.TOKEN),
        (frame(1, token=b""), Fault.TOKEN),
        (frame(1, token=b"40921" + b"\0" * 19 + b"1"), Fault.TOKEN),
        (frame(1, last=-1), Fault.NUMBER),
        (frame(1, last=2**31), Fault.NUMBER),
        (frame(2, volume=-1), Fault.NUMBER),
        (frame(3, oi=-1), Fault.NUMBER),
        (frame(3, levels=struct.pack("<HqqH", 1, 1, -5, 1) + _LEVELS[20:]), Fault.NUMBER),
        (frame(3, levels=struct.pack("<HqqH", 1, -1, 5, 1) + _LEVELS[20:]), Fault.NUMBER),
    ],
)
def test_a_frame_that_makes_no_sense_is_counted_and_disturbs_no_other(
    broken: bytes, fault: Fault
) -> None:
    decoded = decode([frame(1, last=11), broken, frame(3, last=12)], INSTRUMENTS)

    assert decoded.faults == {fault: 1}
    assert sorted(int(price) for ticks in decoded.ticks for price in ticks.quotes["last"]) == [
        11,
        12,
    ]


def test_a_displayed_size_beyond_a_quote_is_shown_as_the_largest() -> None:
    levels = struct.pack("<HqqH", 1, 2**40, 5, 1) + _LEVELS[20:]

    (ticks,) = decode([frame(3, levels=levels)], INSTRUMENTS).ticks

    assert ticks.quotes["bid_size"][0] == 2**31 - 1


def test_without_frames_or_instruments_nothing_is_found() -> None:
    assert decode([], INSTRUMENTS).ticks == []
    assert decode([frame(1)], Instruments([])).faults == {Fault.UNKNOWN: 1}


@pytest.mark.parametrize("token", ["", "12a", "123456789", "१२"])
def test_a_token_that_is_no_number_cannot_be_asked_for(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Instruments([Instrument(2, token)])


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=400),
            st.sampled_from([51, 123, 379]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
        )
    )
)
def test_every_frame_is_a_tick_or_counted(frames: list[bytes]) -> None:
    decoded = decode(frames, INSTRUMENTS)

    ticks = sum(len(each.places) for each in decoded.ticks)
    assert ticks + sum(decoded.faults.values()) == len(frames)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Mode.LAST, Mode.QUOTE, Mode.SNAP_QUOTE]),
            st.sampled_from([(1, TOKEN), (2, "7"), (2, TOKEN)]),
            st.integers(0, 2**31 - 1),
        ),
        min_size=1,
    )
)
def test_what_was_sent_is_what_is_read(sent: list[tuple[Mode, tuple[int, str], int]]) -> None:
    frames = [frame(m, exchange=e, token=t.encode(), last=last) for m, (e, t), last in sent]

    decoded = decode(frames, INSTRUMENTS)

    places = {(1, TOKEN): 0, (2, "7"): 1, (2, TOKEN): PLACE}
    for mode in Mode:
        expected = [(places[key], last) for m, key, last in sent if m is mode]
        found = [
            (int(place), int(last))
            for ticks in decoded.ticks
            if ticks.mode is mode
            for place, last in zip(ticks.places, ticks.quotes["last"], strict=True)
        ]
        assert found == expected
