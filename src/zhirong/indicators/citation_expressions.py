"""Indicators of the citation graph as table expressions: the readable reference that the local kernel must equal.

Shared definitions. *Published on* is a patent's first publication (its grant where there was none, the date printed in
citations where it has no row of its own). *Acted on* is the date from which a patent cites: that of its citing
document, else its own publication. A pair (citing, cited) counts once; a patent does not cite itself.

References
----------
Squicciarini, M., Dernis, H., Criscuolo, C. (2013), *Measuring Patent Quality*, OECD STI Working Paper 2013/03.
Hall, B. H., Jaffe, A. B., Trajtenberg, M. (2001), NBER Working Paper 8498.
Funk, R. J., Owen-Smith, J. (2017), *Management Science* 63(3), 791-817.
Ernst, H., Omland, N. (2011), *World Patent Information* 33(1), 34-41.
"""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, sources_with
from zhirong.indicators.status import DEAD_STATUSES
from zhirong.kernel.errors import DomainError
from zhirong.tables import safe

__all__ = [
    "backward_measures",
    "disruption_measures",
    "edges",
    "family_keys",
    "family_measures",
    "forward_counts",
    "forward_measures",
    "liveness",
    "owners",
    "publication_columns",
    "publications",
    "relation_measures",
    "with_staged",
]

DAYS_PER_YEAR = 365.25
XY, OTHER = 2, 1
_OWNER_ROLES = ("owner", "assignee", "applicant")


def with_staged(evidence: Evidence, context: Context) -> Evidence:
    """Return the evidence with the steps that several measures share materialised.

    An engine that runs the expressions calls this once a run; `publications`, `edges`, `received` and `references`
    then read the stored steps. The frames that the graph reads are staged too where the run has not done so.
    """
    stock = dict(evidence)
    for frame in ("classes", "fields", "status"):
        if f"@{frame}" not in stock:
            stock[f"@{frame}"] = context.engine.stage(derived(stock, context, frame), frame)
    stock["@publications"] = context.engine.stage(publications(stock, context), "publications")
    stock["@edges"] = context.engine.stage(edges(stock), "edges")
    stock["@received"] = context.engine.stage(received(stock, context), "received")
    stock["@references"] = context.engine.stage(references(stock, context), "references")
    return stock


def publications(evidence: Evidence, context: Context) -> ibis.Table:
    """Return what the citation indicators need of each known patent.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``published_on``, ``is_covered`` (its source delivers citations, so that none means zero),
        ``office``, ``primary_class`` (subclass of the first symbol, NULL unknown).
    """
    if "@publications" in evidence:
        return evidence["@publications"]
    known = sources_with(evidence, "citations", "nonpatent_citations").mutate(_known=ibis.literal(True))
    t = attach(publication_columns(evidence["patents"]), known, on="source_id")
    return t.mutate(is_covered=t._known.fill_null(False)).drop("_known", "source_id")


def publication_columns(patents: ibis.Table) -> ibis.Table:
    """Return ``patent_id``, ``office``, ``published_on``, ``primary_class``, ``source_id`` of each patent."""
    return patents.select(
        "patent_id",
        "office",
        "source_id",
        published_on=ibis.coalesce(patents.publication_date, patents.grant_date),
        primary_class=ibis.ifelse(
            patents.primary_ipc.length() >= 4, patents.primary_ipc.substr(0, 4), ibis.null("string")
        ),
    )


def edges(evidence: Evidence) -> ibis.Table:
    """Return citations, each pair once: ``citing_id``, ``cited_id``, ``category`` (2 X or Y, 1 other, 0 not given)."""
    if "@edges" in evidence:
        return evidence["@edges"]
    t = evidence["citations"].filter(lambda c: c.citing_id != c.cited_id)
    t = t.select("citing_id", "cited_id", _category=category_code(t.category))
    return t.group_by(["citing_id", "cited_id"]).aggregate(category=t._category.max())


def category_code(category: ibis.Value) -> ibis.Value:
    """Return 2 where a category names X or Y, 1 where it names others, 0 where there is none."""
    letters = category.upper()
    is_xy = letters.contains("X") | letters.contains("Y")
    return ibis.cases((is_xy.fill_null(False), XY), (category.notnull(), OTHER), else_=0).cast("int64")


def _acts(evidence: Evidence, context: Context) -> ibis.Table:
    """Date from which each citing patent cites: ``other_id``, ``acted_on``."""
    rows = evidence["citations"]
    stated = rows.group_by("citing_id").aggregate(_stated=rows.citing_date.min())
    own = publications(evidence, context).select("patent_id", "published_on")
    t = attach(stated.rename(patent_id="citing_id"), own)
    return t.select(other_id="patent_id", acted_on=ibis.coalesce(t._stated, t.published_on))


def _cited_dates(evidence: Evidence, context: Context) -> ibis.Table:
    """Publication of each cited patent: ``other_id``, ``cited_on``, ``is_inside`` (1 or 0)."""
    rows = evidence["citations"]
    printed = rows.group_by("cited_id").aggregate(_printed=rows.cited_date.min())
    own = publications(evidence, context).select("patent_id", "published_on", _own=ibis.literal(1, "int64"))
    t = attach(printed.rename(patent_id="cited_id"), own)
    return t.select(
        other_id="patent_id", cited_on=ibis.coalesce(t.published_on, t._printed), is_inside=t._own.fill_null(0)
    )


def received(evidence: Evidence, context: Context) -> ibis.Table:
    """Return citations received: ``patent_id``, ``published_on``, ``other_id``, ``category``, ``acted_on``."""
    if "@received" in evidence:
        return evidence["@received"]
    t = edges(evidence).select(_cited="cited_id", other_id="citing_id", category="category")
    own = publications(evidence, context).select("patent_id", "published_on")
    t = own.inner_join(t, own.patent_id == t._cited).drop("_cited")
    return attach(t, _acts(evidence, context), on="other_id")


def references(evidence: Evidence, context: Context) -> ibis.Table:
    """Return references: ``patent_id``, ``published_on``, ``other_id``, ``category``, ``cited_on``, ``is_inside``."""
    if "@references" in evidence:
        return evidence["@references"]
    t = edges(evidence).select(_citing="citing_id", other_id="cited_id", category="category")
    own = publications(evidence, context).select("patent_id", "published_on")
    t = own.inner_join(t, own.patent_id == t._citing).drop("_citing")
    return attach(t, _cited_dates(evidence, context), on="other_id")


def forward_counts(evidence: Evidence, context: Context, years: int) -> ibis.Table:
    """Return citations from publication year P to P + `years`, all and by category.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``value``, ``flag``, ``value_xy``, ``flag_xy``. NULL with flag ``no_date``, ``observed=<count>``
        (the window is still open at the date), ``no_citation_data``, ``no_categories``.
    """
    rows = received(evidence, context)
    span = rows.acted_on.year() - rows.published_on.year()
    rows = rows.filter((span >= 0) & (span <= years))
    counts = rows.group_by("patent_id").aggregate(
        _n=rows.count(),
        _xy=(rows.category == XY).cast("int64").sum(),
        _categorised=(rows.category > 0).cast("int64").sum(),
    )
    t = attach(publications(evidence, context), counts)
    n, xy, categorised = (t[c].fill_null(0).cast("int64") for c in ("_n", "_xy", "_categorised"))
    year_end = context.as_of.month == 12 and context.as_of.day == 31
    last_full_year = context.as_of.year if year_end else context.as_of.year - 1
    is_open = t.published_on.year() + years > last_full_year
    anywhere = _has_categories(evidence)
    t = attach(t.mutate(n=n, xy=xy, categorised=categorised, is_open=is_open, _one=1), anywhere, on="_one")
    t = t.mutate(flag=_window_flag(t, t.n), flag_xy=_window_flag(t, t.xy))
    unknown = ((t.n > 0) & (t.categorised == 0)) | ~t.has_categories
    t = t.mutate(flag_xy=ibis.coalesce(t.flag_xy, ibis.ifelse(unknown, "no_categories", ibis.null("string"))))
    none = ibis.null("int64")
    return t.select(
        "patent_id",
        "flag",
        "flag_xy",
        value=ibis.ifelse(t.flag.isnull(), t.n, none),
        value_xy=ibis.ifelse(t.flag_xy.isnull(), t.xy, none),
    )


def _window_flag(t: ibis.Table, count: ibis.Value) -> ibis.Value:
    return ibis.cases(
        (t.published_on.isnull(), "no_date"),
        (t.is_open, ibis.literal("observed=") + count.cast("string")),
        ((t.n == 0) & ~t.is_covered, "no_citation_data"),
    )


def _has_categories(evidence: Evidence) -> ibis.Table:
    """One row: ``_one`` (1) and whether any citation in the evidence has a category."""
    rows = edges(evidence)
    found = rows.aggregate(_found=(rows.category > 0).cast("int64").sum().fill_null(0))
    return found.select(_one=ibis.literal(1, "int8"), has_categories=found._found > 0)


def _class_shares(evidence: Evidence, context: Context) -> ibis.Table:
    """Symbols of each patent by subclass: ``other_id``, ``subclass``, ``symbols``, ``total``."""
    rows = derived(evidence, context, "classes")
    by_class = rows.group_by(["patent_id", "subclass"]).aggregate(symbols=rows.count())
    return by_class.select(
        "subclass", "symbols", other_id="patent_id", total=by_class.symbols.sum().over(group_by="patent_id")
    )


def _corrected(pairs: ibis.Table, evidence: Evidence, context: Context) -> ibis.Table:
    """N / (N - 1) (1 - sum of squared shares) over primary classes: ``patent_id``, ``corrected``."""
    primary = publications(evidence, context).select(other_id="patent_id", subclass="primary_class")
    t = pairs.select("patent_id", "other_id").inner_join(primary, "other_id").filter(lambda x: x.subclass.notnull())
    by_class = t.group_by(["patent_id", "subclass"]).aggregate(n=t.count())
    n = by_class.n.cast("float64")
    sums = by_class.group_by("patent_id").aggregate(total=n.sum(), square=(n * n).sum())
    spread = 1.0 - safe.divide(sums.square, sums.total * sums.total)
    return sums.select("patent_id", corrected=spread * safe.divide(sums.total, sums.total - 1.0))


def _pooled(pairs: ibis.Table, shares: ibis.Table) -> ibis.Table:
    """1 - sum of squared shares of pooled symbols, ``patent_id``, ``pooled``."""
    t = pairs.select("patent_id", "other_id").inner_join(shares, "other_id")
    by_class = t.group_by(["patent_id", "subclass"]).aggregate(n=t.symbols.sum())
    n = by_class.n.cast("float64")
    sums = by_class.group_by("patent_id").aggregate(total=n.sum(), square=(n * n).sum())
    return sums.select("patent_id", pooled=1.0 - safe.divide(sums.square, sums.total * sums.total))


def forward_measures(evidence: Evidence, context: Context) -> ibis.Table:
    """Return measures over all citations received.

    Returns
    -------
    ibis.Table
        One row a patent: ``patent_id``, ``in_degree``, ``in_degree_flag``, ``generality``, ``generality_pooled``,
        ``generality_corrected``, ``lag_mean``, ``lag_median``. Parameter ``citations.generality_years`` limits
        generality to citing patents up to P + that many years.
    """
    pairs = received(evidence, context)
    degree = pairs.group_by("patent_id").aggregate(_n=pairs.count())
    lag = safe.days_between(pairs.published_on, pairs.acted_on).cast("float64") / DAYS_PER_YEAR
    lags = (
        pairs.mutate(_lag=lag)
        .group_by("patent_id")
        .aggregate(lag_mean=lambda t: t._lag.mean(), lag_median=lambda t: t._lag.median())
    )
    years = context.params.get("citations.generality_years")
    if years is not None:
        span = pairs.acted_on.year() - pairs.published_on.year()
        pairs = pairs.filter((span >= 0) & (span <= int(years)))
    shares = _class_shares(evidence, context)
    t = pairs.select("patent_id", "other_id").inner_join(shares, "other_id")
    classified = t.group_by("patent_id").aggregate(citers=t.other_id.nunique())
    by_class = t.group_by(["patent_id", "subclass"]).aggregate(share=safe.divide(t.symbols, t.total).sum())
    squares = by_class.group_by("patent_id").aggregate(square=(by_class.share * by_class.share).sum())
    spread = attach(classified, squares)
    citers = spread.citers.cast("float64")
    spread = spread.select("patent_id", generality=1.0 - safe.divide(spread.square, citers * citers))
    t = attach(
        publications(evidence, context).select("patent_id", "is_covered"),
        degree,
        lags,
        spread,
        _pooled(pairs, shares).rename(generality_pooled="pooled"),
        _corrected(pairs, evidence, context).rename(generality_corrected="corrected"),
    )
    n, flag = _counted(t._n, t.is_covered)
    return t.mutate(in_degree=n, in_degree_flag=flag).drop("_n", "is_covered")


def _counted(count: ibis.Value, is_covered: ibis.Value) -> tuple[ibis.Value, ibis.Value]:
    """Count and flag: none is zero where the source delivers citations, unknown where it does not."""
    is_unknown = count.isnull() & ~is_covered
    value = ibis.ifelse(is_unknown, ibis.null("int64"), count.fill_null(0).cast("int64"))
    return value, ibis.ifelse(is_unknown, "no_citation_data", ibis.null("string"))


def backward_measures(evidence: Evidence, context: Context) -> ibis.Table:
    """Return measures over references.

    Returns
    -------
    ibis.Table
        One row a patent: ``patent_id``, ``references``, ``references_flag``, ``originality``,
        ``originality_corrected``, ``radicalness``, ``cycle_time``, ``coverage``.
    """
    pairs = references(evidence, context)
    age = safe.days_between(pairs.cited_on, pairs.published_on).cast("float64") / DAYS_PER_YEAR
    counts = (
        pairs.mutate(_age=age)
        .group_by("patent_id")
        .aggregate(_n=lambda t: t.count(), _inside=lambda t: t.is_inside.sum(), cycle_time=lambda t: t._age.median())
    )
    shares = _class_shares(evidence, context)
    own = shares.select(patent_id="other_id", _subclass="subclass")
    t = pairs.select("patent_id", "other_id").inner_join(shares, "other_id")
    t = t.left_join(own, [t.patent_id == own.patent_id, t.subclass == own._subclass])
    foreign = ibis.ifelse(t._subclass.isnull(), t.symbols, 0)
    radical = t.group_by("patent_id").aggregate(radicalness=safe.divide(foreign.sum(), t.symbols.sum()))
    radical = radical.semi_join(own, "patent_id")
    t = attach(
        publications(evidence, context).select("patent_id", "is_covered"),
        counts,
        radical,
        _pooled(pairs, shares).rename(originality="pooled"),
        _corrected(pairs, evidence, context).rename(originality_corrected="corrected"),
    )
    n, flag = _counted(t._n, t.is_covered)
    return t.mutate(references=n, references_flag=flag, coverage=safe.divide(t._inside, t._n)).drop(
        "_n", "_inside", "is_covered"
    )


def disruption_settings(context: Context) -> tuple[int, bool, float]:
    """Return window in days, whether vertices without references count, and the least coverage without a flag."""
    compat = context.params.get("cd.compat")
    if compat not in (None, "funk"):
        raise DomainError(f"cd.compat is {compat!r}; allowed: 'funk', or leave it out")
    days = int(context.params.get("cd.window_days", 1825))
    return days, compat == "funk", float(context.params.get("cd.reference_coverage_min", 0.5))


def disruption_measures(evidence: Evidence, context: Context) -> ibis.Table:
    """Return the CD index and its product with impact.

    Returns
    -------
    ibis.Table
        One row a patent: ``patent_id``, ``cd``, ``mcd``, ``flag``: ``no_date``, ``no_references``, ``truncated`` (the
        window is still open at the date; the value is that so far), ``no_citers``, ``low_reference_coverage``.
        Parameters: ``cd.window_days`` (1825), ``cd.compat`` (``funk``: +1 without references),
        ``cd.reference_coverage_min`` (0.5).
    """
    days, compat, least = disruption_settings(context)
    pairs = received(evidence, context)
    lag = safe.days_between(pairs.published_on, pairs.acted_on)
    reach = pairs.filter(lag <= days).group_by("patent_id").aggregate(_reach=lambda t: t.count())
    direct = pairs.filter((lag > 0) & (lag <= days)).select("patent_id", "other_id", _a=1, _b=0)
    cites = references(evidence, context).select("patent_id", "published_on", _reference="other_id")
    pool = edges(evidence).select(_cited="cited_id", other_id="citing_id")
    around = cites.inner_join(pool, cites._reference == pool._cited).select("patent_id", "published_on", "other_id")
    around = attach(around.filter(around.patent_id != around.other_id), _acts(evidence, context), on="other_id")
    around_lag = safe.days_between(around.published_on, around.acted_on)
    around = around.filter((around_lag > 0) & (around_lag <= days)).select("patent_id", "other_id", _a=0, _b=1)
    both = ibis.union(direct, around)
    both = both.group_by(["patent_id", "other_id"]).aggregate(a=both._a.max(), b=both._b.max())
    a, b = both.a.cast("int64"), both.b.cast("int64")
    sums = both.group_by("patent_id").aggregate(_n_a=a.sum(), _n_ab=(a * b).sum(), _n_union=both.count())
    counts = backward_measures(evidence, context).select("patent_id", "references", "coverage")
    base = publications(evidence, context).select("patent_id", "published_on")
    t = attach(base, sums, reach, counts)
    cd = safe.divide(t._n_a - 2 * t._n_ab, t._n_union)
    is_bare = (t.references.fill_null(0) == 0) & ~ibis.literal(compat)
    t = t.mutate(cd=ibis.ifelse(is_bare, ibis.null("float64"), cd), _bare=is_bare)
    t = t.mutate(mcd=t.cd * t._reach.fill_null(0))
    is_open = safe.days_between(t.published_on, ibis.literal(context.as_of)) < days
    flag = ibis.cases(
        (t.published_on.isnull(), "no_date"),
        (t._bare, "no_references"),
        (is_open, "truncated"),
        (t.cd.isnull(), "no_citers"),
        ((t.coverage < least).fill_null(False), "low_reference_coverage"),
    )
    return t.select("patent_id", "cd", "mcd", flag=flag)


def owners(evidence: Evidence) -> ibis.Table:
    """Return owners of known patents, distinct: ``patent_id``, ``owner`` (linked party, else the party as named)."""
    roles = evidence["patent_parties"]
    roles = roles.filter(roles.role.isin(_OWNER_ROLES)).select("patent_id", "party_id").distinct()
    named = evidence["parties"].select("party_id", "cluster_id")
    t = attach(roles, named, on="party_id")
    t = t.select("patent_id", owner=ibis.coalesce(t.cluster_id, t.party_id)).distinct()
    return t.semi_join(evidence["patents"], "patent_id")


def liveness(evidence: Evidence, context: Context) -> ibis.Table:
    """Return ``patent_id`` and ``is_live``: 1 in force, 0 not, -1 unknown or only presumed."""
    t = derived(evidence, context, "status").select("patent_id", "status", "basis")
    is_known = t.status.notnull() & (t.basis != "presumed").fill_null(True)
    is_dead = t.status.isin([*DEAD_STATUSES, "pending"])
    live = ibis.cases((~is_known, -1), (is_dead, 0), (t.status == "in_force", 1), else_=-1)
    return t.select("patent_id", is_live=live.cast("int64"))


def relation_measures(evidence: Evidence, context: Context, direction: str) -> ibis.Table:
    """Return self-citation share and third-party X/Y citations in one direction.

    Parameters
    ----------
    evidence, context
        As everywhere.
    direction : {"forward", "backward"}
        Citations received (any other end counts), or references (other ends in force count).

    Returns
    -------
    ibis.Table
        ``patent_id``, ``self_share`` (among citations whose two ends have known owners), ``third_party`` (X/Y
        citations to or from others), ``flag`` (``no_citation_data``, ``no_categories``, ``unknown``: owners or status
        unknown for every candidate, ``lower_bound``: for some).
    """
    forward = direction == "forward"
    pairs = (received if forward else references)(evidence, context).select("patent_id", "other_id", "category")
    owned = owners(evidence)
    here = owned.group_by("patent_id").aggregate(_here=owned.count())
    there = here.select(other_id="patent_id", _there="_here")
    mine = pairs.inner_join(owned, "patent_id")
    other = owned.select(other_id="patent_id", owner="owner")
    shared = mine.inner_join(other, ["other_id", "owner"]).select("patent_id", "other_id").distinct()
    pairs = attach(attach(pairs, here), there, on="other_id")
    pairs = attach(pairs, liveness(evidence, context).rename(other_id="patent_id"), on="other_id")
    shared = shared.select(_p="patent_id", _o="other_id", _shared=ibis.literal(1, "int64"))
    pairs = pairs.left_join(shared, [pairs.patent_id == shared._p, pairs.other_id == shared._o])
    known = pairs._here.notnull() & pairs._there.notnull()
    is_self = pairs._shared.notnull()
    is_xy = pairs.category == XY
    third = is_xy & known & ~is_self
    live = ibis.literal(True) if forward else (pairs.is_live == 1).fill_null(False)
    hazy = ibis.literal(False) if forward else pairs.is_live.fill_null(-1) < 0
    one = pairs.mutate(known=known, is_self=is_self, sure=third & live, unsure=(is_xy & ~known) | (third & hazy))
    sums = one.group_by("patent_id").aggregate(
        _n=one.count(),
        _known=one.known.cast("int64").sum(),
        _self=one.is_self.cast("int64").sum(),
        _categorised=(one.category > 0).cast("int64").sum(),
        _sure=one.sure.cast("int64").sum(),
        _unsure=one.unsure.cast("int64").sum(),
    )
    t = attach(publications(evidence, context).select("patent_id", "is_covered").mutate(_one=1), sums)
    t = attach(t, _has_categories(evidence), on="_one")
    n = t._n.fill_null(0)
    categories_missing = ~t.has_categories | ((n > 0) & (t._categorised.fill_null(0) == 0))
    sure, unsure = t._sure.fill_null(0).cast("int64"), t._unsure.fill_null(0)
    flag = ibis.cases(
        ((n == 0) & ~t.is_covered, "no_citation_data"),
        (categories_missing, "no_categories"),
        ((unsure > 0) & (sure == 0), "unknown"),
        (unsure > 0, "lower_bound"),
    )
    is_value = flag.isnull() | (flag == "lower_bound")
    return t.select(
        "patent_id",
        self_share=safe.divide(t._self, t._known),
        third_party=ibis.ifelse(is_value, sure, ibis.null("int64")),
        flag=flag,
    )


def family_keys(evidence: Evidence) -> ibis.Table:
    """Return the family of every patent that has one: ``patent_id``, ``family``; known patents and listed members."""
    listed = evidence["families"]
    listed = listed.group_by("member_id").aggregate(_listed=listed.family_id.min()).rename(patent_id="member_id")
    stated = evidence["patents"].select("patent_id", _stated="family_id")
    t = stated.outer_join(listed, "patent_id")
    key = ibis.coalesce(t.patent_id, t.patent_id_right)
    t = t.select(patent_id=key, family=ibis.coalesce(t._stated, t._listed))
    return t.filter(t.family.notnull())


def office_weight(context: Context, office: ibis.Value) -> ibis.Value:
    """Return the weight of a citation by a document of an office (parameter ``pai.office_weights``), 1 by default."""
    weights = context.params.get("pai.office_weights", {})
    cases = [(office == name, float(weight)) for name, weight in sorted(weights.items())]
    return ibis.cases(*cases, else_=1.0).cast("float64") if cases else ibis.literal(1.0, "float64")


def _with_family(t: ibis.Table, keys: ibis.Table, on: str, name: str) -> ibis.Table:
    joined = attach(t, keys.select(**{on: "patent_id", "_family": "family"}), on=on)
    own = ibis.literal("patent:") + joined[on]
    return joined.mutate(**{name: ibis.coalesce(joined._family, own)}).drop("_family")


def family_measures(evidence: Evidence, context: Context) -> ibis.Table:
    """Return citations between families.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``citing_families`` and ``citing_flag``; ``relevance`` (weighted citing families over the mean of
        families of the same first-publication year and subclass) and ``relevance_flag`` (``no_citation_data``,
        ``no_cohort``, ``no_citations_in_cohort``, ``small_cohort`` below 30 families).
    """
    keys = family_keys(evidence)
    own = _with_family(publications(evidence, context), keys, "patent_id", "family")
    t = edges(evidence).select("citing_id", "cited_id")
    t = _with_family(_with_family(t, keys, "citing_id", "_from"), keys, "cited_id", "family")
    t = t.filter(t._from != t.family)
    t = t.mutate(_weight=office_weight(context, t.citing_id.substr(0, 2)))
    pair = t.group_by(["family", "_from"]).aggregate(_weight=t._weight.max())
    sums = pair.group_by("family").aggregate(_n=pair.count(), _weighted=pair._weight.sum())
    dated = own.filter(own.published_on.notnull())
    order = [ibis.asc(dated.published_on), ibis.asc(dated.patent_id)]
    first = safe.first(dated, by=["family"], order_by=order)
    first = first.select("family", cohort_year=first.published_on.year(), cohort_class="primary_class")
    covered = own.group_by("family").aggregate(_covered=own.is_covered.cast("int64").max())
    families = attach(covered, sums, first, on="family")
    is_known = families._n.notnull() | (families._covered > 0)
    weighted = ibis.ifelse(is_known, families._weighted.fill_null(0.0), ibis.null("float64"))
    families = families.mutate(_weighted=weighted, _is_known=is_known)
    families = families.mutate(_has=families.cohort_class.notnull() & families.cohort_year.notnull() & is_known)
    window = {"group_by": ["cohort_year", "cohort_class", "_has"]}
    families = families.mutate(
        _mean=families._weighted.mean().over(**window), _members=families._weighted.count().over(**window)
    )
    flag = ibis.cases(
        (~families._is_known, "no_citation_data"),
        (~families._has, "no_cohort"),
        (families._mean == 0.0, "no_citations_in_cohort"),
        (families._members < 30, "small_cohort"),
    )
    ratio = ibis.ifelse(families._has, safe.divide(families._weighted, families._mean), ibis.null("float64"))
    none = ibis.null("int64")
    families = families.select(
        "family",
        citing_families=ibis.ifelse(families._is_known, families._n.fill_null(0).cast("int64"), none),
        citing_flag=ibis.ifelse(families._is_known, ibis.null("string"), "no_citation_data"),
        relevance=ratio,
        relevance_flag=flag,
    )
    return attach(own.select("patent_id", "family"), families, on="family").drop("family")
