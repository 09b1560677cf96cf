"""The model card: what a fitted model was made from, how well it does, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from zhirong.kernel.text import Bilingual, Language
from zhirong.valuation.learning.conformal import Coverage
from zhirong.valuation.learning.labels import LabelKind, Target

__all__ = ["ModelCard", "TextGain"]

Card = list[str]


@dataclass(frozen=True, slots=True)
class TextGain:
    """What texts add on the newest labels.

    Attributes
    ----------
    kind : str
        ``lexical`` or ``semantic``.
    encoder : str
        Name of the sentence encoder, empty for terms.
    metric : str
        ``r2_log`` or ``brier_skill``.
    without, with_text : float
        The metric without and with texts.
    low, high : float
        90 per cent interval of the difference (paired bootstrap).
    is_used : bool
        Whether the model uses texts.
    """

    kind: str
    encoder: str
    metric: str
    without: float
    with_text: float
    low: float
    high: float
    is_used: bool


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything a user must know of a fitted model.

    Attributes
    ----------
    kind : LabelKind
        Labels.
    as_of : date
        Nothing later entered.
    is_synthetic : bool
        The evidence was made by the sample generator.
    label_count : int
        Labels used.
    left_out : Mapping of str to int
        Labels not used, by reason.
    first_day, last_day : date
        Days of the labels.
    splits : Mapping of str to Mapping
        For ``train``, ``calibration``, ``test`` and ``shipped``: labels, first and last day.
    metrics : Mapping of str to Mapping
        By split: ``test`` (newest labels, recipe fitted on older ones), ``train``, ``random`` (random split), ``four_indicators``
        (least squares on four indicators, newest labels).
    coverage : tuple of Coverage
        On the newest labels; of an event reliability by decile is in `reliability`.
    reliability : tuple of tuple of float
        Of an event: mean predicted, realised share, count, by fifth of the prediction.
    ceiling : tuple of float
        Published shares of log value explained: four indicators, with fixed effects.
    features : Mapping of str to float
        Share in the model's gain.
    monotone : Mapping of str to int
        Constraints used.
    texts : tuple of TextGain
        What texts add.
    findings : tuple of str
        What looked odd.
    data, parameters : Mapping of str to str
        Fingerprints and versions.
    library : str
        Name and version of the boosting library.
    seed : int
        Seed.
    """

    kind: LabelKind
    as_of: date
    is_synthetic: bool
    label_count: int
    left_out: Mapping[str, int]
    first_day: date
    last_day: date
    splits: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Mapping[str, float]]
    coverage: tuple[Coverage, ...]
    reliability: tuple[tuple[float, float, int], ...]
    ceiling: tuple[float, float]
    features: Mapping[str, float]
    monotone: Mapping[str, int]
    texts: tuple[TextGain, ...]
    findings: tuple[str, ...]
    data: Mapping[str, str]
    parameters: Mapping[str, str]
    library: str
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = asdict(self)
        plain |= {name: getattr(self, name).isoformat() for name in ("as_of", "first_day", "last_day")}
        return plain | {"kind": str(self.kind)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ModelCard:
        """Return what `to_dict` gave."""
        days = {name: date.fromisoformat(plain[name]) for name in ("as_of", "first_day", "last_day")}
        return cls(
            **{
                **plain, **days, "kind": LabelKind(plain["kind"]),
                "coverage": tuple(Coverage(**row) for row in plain["coverage"]),
                "reliability": tuple((a, b, c) for a, b, c in plain["reliability"]),
                "ceiling": (plain["ceiling"][0], plain["ceiling"][1]),
                "texts": tuple(TextGain(**row) for row in plain["texts"]), "findings": tuple(plain["findings"]),
            }
        )  # fmt: skip

    def to_markdown(self, lang: Language) -> str:
        """Return the card as Markdown in one language."""
        parts = [
            self._head(lang), self._data(lang), self._quality(lang), self._coverage(lang), self._texts(lang),
            self._features(lang), self._limits(lang),
        ]  # fmt: skip
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"

    def _head(self, lang: Language) -> Card:
        title = Bilingual(f"模型卡：{self.kind.label.zh}", f"Model card: {self.kind.label.en}").in_(lang)
        lines = [f"# {title}", ""]
        if self.is_synthetic:
            lines += [
                "> " + Bilingual(
                    "本模型由合成数据训练，不说明任何真实专利的价值。",
                    "Trained on synthetic data: it says nothing about any real patent.",
                ).in_(lang), "",
            ]  # fmt: skip
        lines.append(self._ceiling_statement(lang))
        return lines

    def _ceiling_statement(self, lang: Language) -> str:
        four, fixed = (f"{v:.1%}" for v in self.ceiling)
        stated = Bilingual(
            f"**解释力上限**：已发表研究中，四项指标仅解释对数价值方差的 {four}，加固定效应后为 {fixed}"
            "（PatVal，Gambardella 等 2008）。指标只能排除明显错误的数值，不能代替逐件评估；请以区间而非点值为准。",
            f"**Ceiling.** In the literature four indicators explain {four} of the variance of log value, {fixed} with fixed "
            "effects (PatVal, Gambardella et al. 2008). Indicators rule out plainly wrong figures; they do not replace an "
            "appraisal. Read the interval, not the point.",
        ).in_(lang)
        if self.kind.target is Target.PROBABILITY:
            return stated
        mine = self.metrics["test"]
        tail = Bilingual(
            f"本模型在最新标签上解释 {mine['r2_log']:.1%}（90% 区间 {mine['r2_log_low']:.1%} 至 {mine['r2_log_high']:.1%}）。",
            f"This model explains {mine['r2_log']:.1%} on the newest labels (90 % interval {mine['r2_log_low']:.1%} to "
            f"{mine['r2_log_high']:.1%}).",
        ).in_(lang)
        return stated + (" " if lang == "en" else "") + tail

    def _data(self, lang: Language) -> Card:
        title = Bilingual("数据", "Data").in_(lang)
        head = Bilingual("| 划分 | 标签数 | 起 | 止 |", "| Split | Labels | From | To |").in_(lang)
        lines = [f"## {title}", ""]
        lines.append(
            Bilingual(
                f"标签 {self.label_count:,} 个，日期 {self.first_day} 至 {self.last_day}；证据截止 {self.as_of}。"
                "特征取自标签日期之前最近一期末的证据。",
                f"{self.label_count:,} labels of {self.first_day} to {self.last_day}; evidence to {self.as_of}. Features are "
                "those of the last period that ended before a label's day.",
            ).in_(lang)
        )
        if self.left_out:
            reasons = "; ".join(
                f"{_LEFT_OUT.get(r, Bilingual(r, r)).in_(lang)}: {n:,}" for r, n in self.left_out.items()
            )
            lines.append(Bilingual(f"未采用：{reasons}。", f"Left out: {reasons}.").in_(lang))
        lines += ["", head, "|---|---:|---|---|"]
        for name, row in self.splits.items():
            lines.append(f"| {_SPLITS[name].in_(lang)} | {row['count']:,} | {row['first']} | {row['last']} |")
        return lines

    def _quality(self, lang: Language) -> Card:
        lines = ["## " + Bilingual("样本外表现", "How well it does").in_(lang), ""]
        names = list(dict.fromkeys(n for values in self.metrics.values() for n in values))
        splits = list(self.metrics)
        lines.append(
            f"| {Bilingual('指标', 'Metric').in_(lang)} | " + " | ".join(_SPLITS[s].in_(lang) for s in splits) + " |"
        )
        lines.append("|---|" + "---:|" * len(splits))
        for name in names:
            cells = [f"{self.metrics[s][name]:.3f}" if name in self.metrics[s] else "–" for s in splits]
            lines.append(f"| {_METRICS[name].in_(lang)} | " + " | ".join(cells) + " |")
        if self.reliability:
            lines += [
                "",
                Bilingual("| 预测概率 | 实现比例 | 标签数 |", "| Predicted | Realised | Labels |").in_(lang),
                "|---:|---:|---:|",
            ]
            lines += [f"| {p:.3f} | {r:.3f} | {n:,} |" for p, r, n in self.reliability]
        return lines

    def _coverage(self, lang: Language) -> Card:
        if not self.coverage:
            return []
        nominal = sorted({row.nominal for row in self.coverage})
        title = Bilingual("区间覆盖率（最新标签）", "Coverage of intervals (newest labels)").in_(lang)
        head = [
            Bilingual("分组", "Group").in_(lang),
            Bilingual("标签数", "Labels").in_(lang),
            *(f"{n:.0%}" for n in nominal),
        ]
        lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|---|---:|" + "---:|" * len(nominal)]
        table: dict[tuple[str, str], dict[float, Coverage]] = {}
        for row in self.coverage:
            table.setdefault((row.dimension, row.group), {})[row.nominal] = row
        for (dimension, group), by_level in table.items():
            first = next(iter(by_level.values()))
            shown = group if dimension != "all" else ""
            name = f"{_DIMENSIONS[dimension].in_(lang)} {_GROUPS.get(shown, Bilingual(shown or ' ', shown or ' ')).in_(lang)}".strip()
            flag = Bilingual("（样本过少）", " (small)").in_(lang) if first.is_small else ""
            lines.append(
                f"| {name}{flag} | {first.count:,} | "
                + " | ".join(f"{by_level[n].coverage:.1%}" for n in nominal)
                + " |"
            )
        return lines

    def _texts(self, lang: Language) -> Card:
        if not self.texts:
            return []
        lines = ["## " + Bilingual("文本特征的增益", "What texts add").in_(lang), ""]
        for gain in self.texts:
            kind = Bilingual(
                "词项" if gain.kind == "lexical" else f"语义向量（{gain.encoder}）",
                "Terms" if gain.kind == "lexical" else f"Sentence vectors ({gain.encoder})",
            ).in_(lang)
            change = gain.with_text - gain.without
            lines.append(
                Bilingual(
                    f"- {kind}：{_METRICS[gain.metric].zh}由 {gain.without:.3f} 变为 {gain.with_text:.3f}，增益 {change:+.3f}"
                    f"（90% 区间 {gain.low:+.3f} 至 {gain.high:+.3f}）；{'已采用' if gain.is_used else '未采用'}。",
                    f"- {kind}: {_METRICS[gain.metric].en} goes from {gain.without:.3f} to {gain.with_text:.3f}, {change:+.3f} "
                    f"(90 % interval {gain.low:+.3f} to {gain.high:+.3f}); {'used' if gain.is_used else 'not used'}.",
                ).in_(lang)
            )
        return lines

    def _features(self, lang: Language) -> Card:
        lines = ["## " + Bilingual("特征", "Features").in_(lang), ""]
        lines += [
            Bilingual("| 特征 | 增益占比 | 单调约束 |", "| Feature | Share of gain | Constraint |").in_(lang),
            "|---|---:|---|",
        ]
        sign = {1: "+", -1: "-", 0: ""}
        ranked = sorted(self.features.items(), key=lambda item: (-item[1], item[0]))
        lines += [
            f"| {name} | {share:.1%} | {sign[self.monotone.get(name, 0)]} |" for name, share in ranked if share > 0
        ]
        if not any(self.features.values()):
            lines.append("| – | – | |")
            lines += ["", Bilingual(
                "没有一项特征胜过常数：模型只给出训练标签的分布。",
                "No feature beats a constant: the model gives the distribution of its training labels.",
            ).in_(lang)]  # fmt: skip
        return lines

    def _limits(self, lang: Language) -> Card:
        lines = ["## " + Bilingual("局限", "Limits").in_(lang), ""]
        limits = list(_LIMITS)
        if self.kind in (LabelKind.DEALS, LabelKind.APPRAISALS):
            limits.append(_SELECTION)
        lines += [f"- {text.in_(lang)}" for text in limits]
        lines += [f"- {finding}" for finding in self.findings]
        made = Bilingual("算法", "Made with").in_(lang)
        lines += ["", f"{made}: {self.library}, seed {self.seed}."]
        return lines


_SPLITS = {
    "train": Bilingual("训练", "Training"),
    "calibration": Bilingual("校准", "Calibration"),
    "test": Bilingual("检验（最新）", "Test (newest)"),
    "shipped": Bilingual("交付模型（训练）", "Shipped model, training"),
    "shipped_calibration": Bilingual("交付模型（校准）", "Shipped model, calibration"),
    "random": Bilingual("随机划分", "Random split"),
    "four_indicators": Bilingual("四指标最小二乘（最新）", "Least squares on four indicators (newest)"),
}
_METRICS = {
    "r2_log": Bilingual("对数价值 R²", "R² of the log"),
    "r2_log_low": Bilingual("R² 下限（90%）", "R², lower end (90 %)"),
    "r2_log_high": Bilingual("R² 上限（90%）", "R², upper end (90 %)"),
    "rank_correlation": Bilingual("秩相关", "Rank correlation"),
    "error_factor": Bilingual("中位误差倍数", "Median error, factor"),
    "check_skill": Bilingual("分位数损失改进（对朴素预测）", "Check-loss skill over naive"),
    "width_ratio": Bilingual("区间宽度与朴素区间之比", "Width over naive width"),
    "brier": Bilingual("布里尔分数", "Brier score"),
    "brier_skill": Bilingual("布里尔技能分", "Brier skill"),
    "log_loss": Bilingual("对数损失", "Log loss"),
    "auc": Bilingual("AUC", "AUC"),
    "calibration_slope": Bilingual("校准斜率", "Calibration slope"),
    "calibration_intercept": Bilingual("校准截距", "Calibration intercept"),
    "mean_predicted": Bilingual("平均预测概率", "Mean predicted"),
    "mean_realised": Bilingual("实际比例", "Share realised"),
}
_DIMENSIONS = {
    "all": Bilingual("全部", "All"),
    "field": Bilingual("WIPO 领域", "WIPO field"),
    "age": Bilingual("专利年龄（年）", "Age, years"),
    "owner_size": Bilingual("权利人专利数", "Owner's patents"),
    "value_size": Bilingual("预测价值三分位", "Third of predicted value"),
}
_GROUPS = {"unknown": Bilingual("未知", "unknown")}
_LEFT_OUT = {
    "without a price": Bilingual("无价格", "without a price"),
    "unsold": Bilingual("流拍", "unsold"),
    "between related parties": Bilingual("关联方交易", "between related parties"),
    "no exchange rate": Bilingual("无汇率", "no exchange rate"),
    "opinion on a portfolio": Bilingual("组合评估", "opinion on a portfolio"),
    "opinion of a model": Bilingual("模型给出的评估", "opinion of a model"),
    "not positive": Bilingual("非正数", "not positive"),
    "restored after a lapse": Bilingual("失效后恢复", "restored after a lapse"),
    "not public before its label": Bilingual("标签日期前尚未公开", "not public before its label"),
    "after the date of the fit": Bilingual("晚于截止日", "after the date of the fit"),
}
_LIMITS = (
    Bilingual(
        "区间的覆盖率以新专利与校准标签可交换为前提；市场变化时会失效，故须看最新标签上的实测覆盖率。",
        "Intervals cover as stated as far as new patents resemble the calibration labels; a market that moves breaks this, "
        "which is why coverage is measured on the newest labels.",
    ),
    Bilingual(
        "价格未按年份指数化；树模型不能外推时间趋势。",
        "Prices are not indexed by year; trees do not extrapolate a trend.",
    ),
    Bilingual(
        "2.5% 与 97.5% 之外的尾部是对数正态外推，没有数据支持。",
        "Tails beyond 2.5 and 97.5 per cent are a log-normal extrapolation that no data support.",
    ),
    Bilingual(
        "检验指标属于同一流程在较早数据上的拟合；交付模型随后用全部标签重新拟合与校准。",
        "Test metrics are those of the recipe fitted on older labels; the shipped model is fitted and calibrated again on all.",
    ),
    Bilingual("贡献值说明模型，而非因果。", "Contributions explain the model; they are no causes."),
)
_SELECTION = Bilingual(
    "只有成交或被评估的专利才有标签；其余专利可能系统性不同。",
    "Only patents that were sold or appraised have labels; the others may differ in kind.",
)
