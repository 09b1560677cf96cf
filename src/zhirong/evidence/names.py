"""Names of persons and organisations: a comparable form, the legal form split off, the kind of party.

Nothing here decides that two names are one party (that is `zhirong.evidence.linkage`); it only makes spelling
noise equal: width, case, diacritics, punctuation, dotted abbreviations, legal forms of the usual languages.
The word lists are data (``data/names.yaml``, grade: recalled).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from zhirong.kernel.text import casefold_nfkc, detect_language

__all__ = [
    "NormalName",
    "PartyType",
    "classify_party",
    "linkage_key",
    "normalise_name",
    "normalise_words",
    "party_id",
    "party_row",
    "person_key",
    "split_name",
]

PartyType = Literal["organisation", "person", "government", "university"]

_WORDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "names.yaml").read_text(encoding="utf-8"))
_WESTERN_FORMS: dict[str, str] = _WORDS["western_forms"]
_QUALIFIERS: dict[str, str] = _WORDS["western_qualifiers"]
_HEAD_FORMS = frozenset(_WORDS["head_forms"])
_CJK_FORMS: list[tuple[str, str]] = [tuple(pair) for pair in _WORDS["cjk_forms"]]
_SURNAMES = frozenset(re.sub(r"\s", "", _WORDS["han_surnames"]))
_COMPOUND_SURNAMES = tuple(_WORDS["han_compound_surnames"])
_GIVEN = frozenset(_WORDS["given_names"].split())
_TITLES = frozenset(_WORDS["titles"])
_ABBREVIATIONS: dict[str, str] = _WORDS["abbreviations"]

_HAN = re.compile(r"[㐀-鿿]")
_CJK = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_CAPACITY = re.compile(r",?\s+as\s+(?:\w+\s+){0,3}(?:agent|trustee|representative)\b.*$")
"""The capacity in which a bank acts (``as collateral agent``) is not part of its name."""
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}[a-z]?(?![a-z])|\b[a-z](?:\.[a-z])+\b")
_SLASHED = re.compile(r"\b([a-z])/([a-z])\b")
_PUNCTUATION = re.compile(r"[^0-9a-z぀-ヿ㐀-鿿가-힯]+")


@dataclass(frozen=True, slots=True)
class NormalName:
    """A name taken apart.

    Parameters
    ----------
    core : str
        Comparable form without legal form; never empty for a name that has a letter or digit.
    legal_form : str or None
        Canonical legal form (several joined by a blank, e.g. ``co ltd``), None where the name shows none.
    """

    core: str
    legal_form: str | None


@lru_cache(maxsize=65_536)
def split_name(name: str) -> NormalName:
    """Return the comparable core of a name and its legal form.

    Parameters
    ----------
    name : str
        Name as written, any script.

    Returns
    -------
    NormalName

    Examples
    --------
    >>> split_name("U.S. WELL SERVICES, L.L.C.")
    NormalName(core='us well services', legal_form='llc')
    >>> split_name("深圳示例科技股份有限公司")
    NormalName(core='深圳示例科技', legal_form='股份有限公司')
    """
    text = _CAPACITY.sub("", _fold(name))
    if _CJK.search(text):
        return _split_cjk(text)
    words = _PUNCTUATION.sub(" ", text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    core, form = _split_western(words)
    return NormalName(" ".join(core), " ".join(form) or None)


def normalise_name(name: str) -> str:
    """Return the comparable form of a name: NFKC, folded case, no diacritics, punctuation or legal form.

    Two spellings of one name usually become equal; equal forms are evidence, not proof, of one party.
    """
    return split_name(name).core


def _fold(name: str) -> str:
    text = casefold_nfkc(name).replace("&", " and ").replace("+", " and ")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c) or _CJK.match(c))
    text = unicodedata.normalize("NFC", text).replace("ß", "ss").replace("ø", "o").replace("æ", "ae").replace("ł", "l")
    text = _DOTTED.sub(lambda m: m[0].replace(".", ""), text)
    return _SLASHED.sub(r"\1\2", text).replace("'", "").replace("’", "")


def _split_western(words: list[str]) -> tuple[list[str], list[str]]:
    """Cut legal forms off the tail (and Japanese or French ones off the head), leaving at least one word."""
    core = list(words)
    form: list[str] = []
    while len(core) > 1 and (core[-1] in _WESTERN_FORMS or (form and core[-1] in {"and", *_QUALIFIERS})):
        word = core.pop()
        if word != "and":
            form.insert(0, _WESTERN_FORMS.get(word) or _QUALIFIERS[word])
    while len(core) > 1 and core[0] in _HEAD_FORMS:
        form.append(_WESTERN_FORMS[core.pop(0)])
    return core, list(dict.fromkeys(form))


def _split_cjk(text: str) -> NormalName:
    text = re.sub(r"[((]\s*(?:株|주)\s*[))]|㈱", "株式会社", text)
    core = _PUNCTUATION.sub("" if not re.search(r"[a-z]{2,} [a-z]{2,}", text) else " ", text).strip()
    form: str | None = None
    changed = True
    while changed:
        changed = False
        for suffix, canonical in _CJK_FORMS:
            if core.endswith(suffix) and len(core) > len(suffix):
                core, changed = core[: -len(suffix)].strip(), True
            elif core.startswith(suffix) and canonical in {"kk", "yk", "gk"} and len(core) > len(suffix):
                core, changed = core[len(suffix) :].strip(), True
            if changed:
                form = form or canonical
                break
    return NormalName(core, form)


def person_key(name: str) -> str:
    """Return a person's name in one order, family name first, for ``Last, First`` and ``First Last``.

    Han names stay as they are. Initials are not expanded: ``Lee, J. H.`` is not made equal to ``Lee, Jin``.
    """
    folded = casefold_nfkc(name)
    if _HAN.search(folded):
        return _PUNCTUATION.sub("", folded)
    if "," in folded:
        last, _, rest = folded.partition(",")
        words = [normalise_words(last), normalise_words(rest)]
        return " ".join(word for word in words if word)
    words = normalise_words(folded).split()
    words = [word for word in words if word not in _TITLES]
    return " ".join([words[-1], *words[:-1]]) if words else ""


def linkage_key(core: str) -> str:
    """Return a normalised name with usual words shortened as standardised names do.

    ``example technologies`` and ``example tech`` give one key, since DOCDB and Derwent shorten such words.
    """
    return " ".join(_ABBREVIATIONS.get(word, word) for word in core.split())


def normalise_words(text: str) -> str:
    """Return words without punctuation, folded; legal forms stay."""
    return _PUNCTUATION.sub(" ", _fold(text)).strip()


_TITLES = frozenset({"dr", "prof", "professor", "mr", "mrs", "ms", "dipl", "ing", "phd", "jr", "sr", "ii", "iii"})
_UNIVERSITY = re.compile(
    r"\b(?:univ|university|universities|universite|universitat|universitaet|universidad|universidade|universita|"
    r"universiteit|college|polytechnic\w*|politecnico|hochschule|ecole|eth zurich|epfl|daigaku|"
    r"(?:institute|inst) of (?:tech|technology)|school of (?:medicine|mines|engineering)|"
    r"regents of|board of regents|trustees of .*(?:univ|university|college|school))\b"
)
_GOVERNMENT = re.compile(
    r"\b(?:government|ministry|minister|department of (?:the )?(?:energy|defense|defence|agriculture|"
    r"commerce|health|army|navy|air force|interior|transportation|veterans|homeland)|dept of|secretary of|"
    r"as represented by|"
    r"national aeronautics|nasa|administrator of|state of|commonwealth of|republic of|kingdom of|"
    r"united states of america|us army|us navy|us air force|federal agency|her majesty|his majesty|city of|"
    r"county of)\b"
)
_ORGANISATION = re.compile(
    r"\b(?:bank|capital|partners?|holdings?|group|technolog(?:y|ies)|tech|systems?|industries|industrial|industry|"
    r"manufacturing|mfg|services?|solutions?|laborator(?:y|ies)|labs?|research|institute?|center|centre|foundation|trust|"
    r"pharma\w*|electronics?|electric|semiconductors?|international|networks?|software|instruments?|energy|oil|gas|"
    r"chemicals?|materials?|products?|enterprises?|ventures?|works|motors?|products|hospital|clinic|association|society|"
    r"agency|council|consortium|licensing|properties|investments?|finance|financial|insurance|sporting|sports|goods|"
    r"medical|devices?|therapeutics|bio\w+|nano\w+|engineering|design|development|verwaltungs\w*|forschung\w*|werke?|"
    r"kogyo|denki|seisakusho|kenkyusho|jidosha|shoji|sangyo|kagaku|company|corporation)\b"
)
_HAN_UNIVERSITY = re.compile(r"大学|学院|大學|學院")
_HAN_GOVERNMENT = re.compile(
    r"人民政府|管理委员会|委员会$|知识产权局|[省市县区]\S{0,12}局$|国家\S{1,12}局$|^中华人民共和国|\S部$|公安局|海关$|人民法院|人民检察院"
)
_HAN_ORGANISATION = re.compile(
    r"公司|集团|工厂|[^\s]{2,}厂$|研究院|研究所|研究中心|中心$|医院|银行|合作社|事务所|协会|学会|基金会|出版社|"
    r"企业|商行|株式|会社|联合社|经营部|试验站|电站|供电局|实验室|设计院|科学院|[^\s]{3,}所$|[^\s]{3,}社$"
)


def classify_party(name: str) -> PartyType | None:
    """Say what kind of party a name is, from the name alone.

    Parameters
    ----------
    name : str
        Name as written.

    Returns
    -------
    {"organisation", "person", "government", "university"} or None
        None when the name does not tell; a guess would be worse than unknown.

    Examples
    --------
    >>> classify_party("北京示例大学"), classify_party("Smith, John A."), classify_party("ACME GmbH")
    ('university', 'person', 'organisation')
    """
    folded = _fold(name)
    if _HAN.search(folded):
        return _classify_han(_PUNCTUATION.sub("", folded), split_name(name).legal_form, name)
    words = normalise_words(name)
    form = split_name(name).legal_form
    if form is None and _GOVERNMENT.search(words):
        return "government"
    if _UNIVERSITY.search(words) and (form is None or form in {"inc", "corp"}):
        return "university"
    if form is not None or _ORGANISATION.search(words) or re.search(r"\d", words):
        return "organisation"
    if _UNIVERSITY.search(words):
        return "university"
    return "person" if _looks_like_person(folded, words.split()) else None


def _classify_han(text: str, form: str | None, name: str) -> PartyType | None:
    if form is not None:
        return "organisation"
    if _HAN_UNIVERSITY.search(text) and not re.search(r"附属|医院|公司", text):
        return "university"
    if _HAN_ORGANISATION.search(text):
        return "organisation"
    if _HAN_GOVERNMENT.search(text) and len(text) >= 4:
        return "government"
    if "·" in unicodedata.normalize("NFKC", name) and not re.search(r"[a-z0-9]", text):
        return "person"
    is_short = 2 <= len(text) <= 3 and text[0] in _SURNAMES
    is_compound = 3 <= len(text) <= 4 and text.startswith(_COMPOUND_SURNAMES)
    return "person" if is_short or is_compound else None


def _looks_like_person(folded: str, words: list[str]) -> bool:
    words = [word for word in words if word not in _TITLES or len(words) <= 2]
    if not 2 <= len(words) <= 5 or not all(word.isalpha() for word in words):
        return False
    if re.search(r"^(?:dr|prof|mr|mrs|ms)\b\.?", folded):
        return True
    if folded.count(",") == 1 and not folded.endswith(","):
        return True
    has_initial = any(len(word) == 1 for word in words[1:])
    return has_initial or words[0] in _GIVEN or (len(words) == 2 and words[1] in _GIVEN and words[0] not in _GIVEN)


def party_id(name: str, *, country: str | None = None, city: str | None = None, party_type: str | None = None) -> str:
    """Return a stable identifier of a name as written.

    Organisations of one spelling and country share it; persons need the same city too, because many share a
    name. The same input gives the same identifier in every import.
    """
    parts = [" ".join(unicodedata.normalize("NFKC", name).split()), (country or "").upper()]
    if party_type == "person":
        parts.append(casefold_nfkc(city or ""))
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{'n' if party_type == 'person' else 'o'}{digest[:20]}"


def party_row(
    name: str,
    *,
    party_type: str | None = None,
    country: str | None = None,
    region_code: str | None = None,
    city: str | None = None,
    identifier: str | None = None,
) -> dict[str, Any]:
    """Return a row of the table `parties` for a name.

    Parameters
    ----------
    name : str
        Name as written; must hold a letter or digit.
    party_type : str, optional
        Kind stated by the source; guessed from the name where not given, NULL where the name does not tell.
    country, region_code, city : str, optional
        As the source has them.
    identifier : str, optional
        Identifier of the source; `party_id` where not given.
    """
    kind = party_type or classify_party(name)
    core = person_key(name) if kind == "person" else normalise_name(name)
    return {
        "party_id": identifier or party_id(name, country=country, city=city, party_type=kind),
        "name": name,
        "normalised_name": core or casefold_nfkc(name),
        "party_type": kind,
        "language": detect_language(name),
        "country": country,
        "region_code": region_code,
        "city": city,
    }
