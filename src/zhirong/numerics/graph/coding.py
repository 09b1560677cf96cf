"""Dense codes of 64-bit keys: an open-addressing table that looks blocks of keys up at the speed of memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import DEFAULT_THREADS, kernel, over_ranges

__all__ = ["KeyCodes", "text_keys"]

Array = np.ndarray[Any, Any]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.int32(-1)


@kernel
def _find(keys: Array, first: int, last: int, slot_key: Array, slot_code: Array, shift: int, codes: Array) -> None:
    mask = np.uint64(slot_key.size - 1)
    for i in range(first, last):
        key = keys[i]
        if i > first and key == keys[i - 1]:  # references of one patent follow each other
            codes[i] = codes[i - 1]
            continue
        slot = (key * _MULTIPLIER) >> np.uint64(shift)
        while slot_code[slot] != _EMPTY and slot_key[slot] != key:
            slot = (slot + np.uint64(1)) & mask
        codes[i] = slot_code[slot]


@kernel
def _insert(keys: Array, slot_key: Array, slot_code: Array, shift: int, next_code: int, codes: Array) -> int:
    """Give each key its code, the next free one where it is new."""
    mask = np.uint64(slot_key.size - 1)
    for i in range(keys.size):
        key = keys[i]
        slot = (key * _MULTIPLIER) >> np.uint64(shift)
        while slot_code[slot] != _EMPTY and slot_key[slot] != key:
            slot = (slot + np.uint64(1)) & mask
        if slot_code[slot] == _EMPTY:
            slot_key[slot] = key
            slot_code[slot] = next_code
            next_code += 1
        codes[i] = slot_code[slot]
    return next_code


@kernel
def _text_keys(offsets: Array, data: Array, first: int, last: int, keys: Array) -> None:
    for i in range(first, last):
        begin, end = offsets[i], offsets[i + 1]
        digits = end - begin - 2
        plain = 1 <= digits <= 15 and 65 <= data[begin] <= 90 and 65 <= data[begin + 1] <= 90
        number = np.uint64(0)
        if plain:
            for j in range(begin + 2, end):
                if data[j] < 48 or data[j] > 57:
                    plain = False
                    break
                number = number * np.uint64(10) + np.uint64(data[j] - 48)
        if plain:
            office = np.uint64((data[begin] - 65) * 26 + (data[begin + 1] - 65))
            keys[i] = (office << np.uint64(54)) | (np.uint64(digits) << np.uint64(50)) | number
            continue
        x = np.uint64(0xCBF29CE484222325) ^ np.uint64(end - begin)
        for j in range(begin, end):
            x = (x ^ np.uint64(data[j])) * _MULTIPLIER
            x ^= x >> np.uint64(29)
        keys[i] = (np.uint64(1023) << np.uint64(54)) | (x >> np.uint64(10))


def text_keys(offsets: Array, data: Array, *, threads: int = DEFAULT_THREADS) -> Array:
    """Return a 64-bit key of each text.

    Parameters
    ----------
    offsets : integer, shape (k + 1,)
        Texts are ``data[offsets[i]:offsets[i + 1]]``.
    data : uint8
        Bytes.
    threads : int
        Threads.

    Returns
    -------
    uint64, shape (k,)
        Distinct for distinct texts of the form of a patent number: two capitals and up to 15 digits. Other texts get
        a 54-bit digest in a range of its own: among a million such texts two meet with a probability of 3e-5.
    """
    keys = np.empty(offsets.size - 1, np.uint64)
    over_ranges(lambda a, b: _text_keys(offsets, data, a, b, keys), keys.size, threads=threads, block=1 << 16)
    return keys


class KeyCodes:
    """Codes 0, 1, 2, ... of distinct keys in the order in which they are first seen.

    Attributes
    ----------
    count : int
        Distinct keys so far.
    """

    def __init__(self, expected: int = 1024, *, threads: int = DEFAULT_THREADS) -> None:
        self.count = 0
        self._threads = threads
        self._allocate(max(1024, expected))

    def add(self, keys: Array) -> Array:
        """Return the code of each key; unseen keys get the next codes.

        Parameters
        ----------
        keys : uint64, shape (k,)
            Keys.

        Returns
        -------
        int32, shape (k,)
            Codes.
        """
        codes = self.find(keys)
        missing = np.flatnonzero(codes == _EMPTY)
        if missing.size:
            self._reserve(self.count + missing.size)
            new = np.empty(missing.size, np.int32)
            self.count = _insert(keys[missing], self._keys, self._codes, self._shift, self.count, new)
            codes[missing] = new
        return codes

    def find(self, keys: Array) -> Array:
        """Return the code of each key, -1 for unseen keys.

        Parameters
        ----------
        keys : uint64, shape (k,)
            Keys.

        Returns
        -------
        int32, shape (k,)
            Codes.
        """
        codes = np.empty(keys.size, np.int32)
        over_ranges(
            lambda a, b: _find(keys, a, b, self._keys, self._codes, self._shift, codes),
            keys.size,
            threads=self._threads,
            block=1 << 16,
        )
        return codes

    def _allocate(self, expected: int) -> None:
        bits = max(11, int(2 * expected - 1).bit_length())
        self._shift = 64 - bits
        self._keys = np.zeros(1 << bits, np.uint64)
        self._codes = np.full(1 << bits, _EMPTY, np.int32)

    def _reserve(self, count: int) -> None:
        if count <= self._keys.size * 0.6:
            return
        used = self._codes != _EMPTY
        keys, codes = self._keys[used], self._codes[used]
        ordered = np.empty_like(keys)
        ordered[codes] = keys
        self._allocate(count)
        again = np.empty(ordered.size, np.int32)
        _insert(ordered, self._keys, self._codes, self._shift, 0, again)
