"""What the flags beside indicator values say to a reader."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.kernel.text import Bilingual, Language

__all__ = ["FLAGS", "explain_flag"]

FLAGS: Mapping[str, Bilingual] = {
    "many_field": Bilingual("分类号在多个技术领域并列最多", "the class symbols tie between fields"),
    "status_unknown": Bilingual("法律状态未知", "legal status unknown"),
    "presumed_alive": Bilingual(
        "已授权、未届满、无终止记录，但没有有效的证据，仅推定有效",
        "granted, within its term, no recorded end, but nothing says that it is alive: presumed",
    ),
    "presumed_pending": Bilingual("推定审查中", "presumed pending"),
    "no_end_recorded": Bilingual(
        "来源登记了他案终止而未登记本案终止", "the source records ends of other patents and none of this one"
    ),
    "term_by_law": Bilingual("期限按法律推算，不含补偿", "term by law, adjustments not included"),
    "opposition_open": Bilingual("异议未决", "opposition open"),
    "not_opposed": Bilingual("未被异议", "not opposed"),
    "office_without_income": Bilingual("同族中有局没有国民总收入数据", "an office of the family has no income figure"),
    "region_unknown": Bilingual("地区未知，用全领域份额", "region unknown: share of the whole class"),
    "few_patents": Bilingual("件数过少", "few patents"),
    "too_few_years": Bilingual("年份或件数不足以拟合", "too few years or patents to fit"),
    "unidentified": Bilingual("饱和量不可识别", "saturation is not identified"),
    "logistic": Bilingual("逻辑斯谛曲线", "logistic curve"),
    "gompertz": Bilingual("冈珀茨曲线", "Gompertz curve"),
    "small_cohort": Bilingual("比较组过小，改用更大的组", "small cohort; a coarser one was used where there is one"),
    "without": Bilingual("缺少以下组成项", "these components are missing"),
    "not_granted": Bilingual("未授权", "not granted"),
    "no_terms": Bilingual("文本没有可用词", "the text has no usable terms"),
    "window_open": Bilingual("之后的观察窗口尚未结束", "the window after publication is still open"),
    "corpus_young": Bilingual("语料在公开时不足五年", "the corpus is younger than five years at publication"),
    "dependency_unknown": Bilingual("有权利要求的从属关系未读出", "the references of a claim were not read"),
    "some_untyped": Bilingual("有独立权利要求类型未判定", "the kind of an independent claim was not told"),
    "validity_unknown": Bilingual("有效性未知", "validity unknown"),
    "not_valid_invention": Bilingual("不是有效发明专利", "not a valid invention patent"),
    "met": Bilingual("确定符合的条件", "conditions met for certain"),
    "undecidable": Bilingual("无法判断的条件", "conditions that cannot be decided"),
    "no_table": Bilingual("未提供产业分类表", "no table of industries was given"),
    "proxy": Bilingual("替代指标", "computable proxy"),
    "expert": Bilingual("专家评分及日期", "expert score, with its date"),
    "expert_input_needed": Bilingual("等待专家评分", "expert input needed"),
    "no_evidence": Bilingual("没有可用于替代指标的证据", "no evidence for the proxy"),
    "no_date": Bilingual("公开日未知", "publication date unknown"),
    "observed": Bilingual("窗口未结束，迄今数为", "window still open; count so far"),
    "no_citation_data": Bilingual("来源不提供引文", "the source gives no citations"),
    "no_categories": Bilingual("引文没有类别", "the citations have no categories"),
    "no_cohort": Bilingual("没有比较组", "no cohort"),
    "no_references": Bilingual("没有后向引用", "no references"),
    "no_citers": Bilingual("没有施引", "no citers"),
}
"""Flag code to its meaning. A flag is one code or several joined by ``;``; what follows ``:`` or ``=`` is detail."""


def explain_flag(flag: str, lang: Language) -> str:
    """Return a flag in words; an unknown code stays as it is.

    Examples
    --------
    >>> explain_flag("small_cohort:filing_year;without:generality", "en")
    'small cohort; a coarser one was used where there is one (filing_year); these components are missing (generality)'
    """
    parts = []
    for piece in flag.split(";"):
        code, _, detail = piece.replace("=", ":").partition(":")
        words = FLAGS[code].in_(lang) if code in FLAGS else code
        inner = FLAGS[detail].in_(lang) if detail in FLAGS else detail
        parts.append(f"{words} ({inner})" if inner else words)
    return "; ".join(parts)
