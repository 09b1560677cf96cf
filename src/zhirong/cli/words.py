"""Words of the command line in Chinese: heads of columns, a few values, and notes; English is the code's own."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.kernel.text import Language

__all__ = ["head", "said", "shown"]

_HEADS_ZH: Mapping[str, str] = {
    "allowed": "允许值",
    "cluster_count": "主体数",
    "cohort": "同组口径",
    "columns": "列数",
    "confidence": "置信度",
    "count": "数量",
    "coverage": "覆盖率",
    "currency": "币种",
    "definition": "定义",
    "description": "说明",
    "detail": "详情",
    "dimension": "维度",
    "direction": "方向",
    "field": "字段",
    "format": "格式",
    "gbt_42748": "国标42748条目",
    "grade": "等级",
    "high": "上限",
    "id": "编号",
    "indicator": "指标",
    "is_learned": "参数由数据估计",
    "kind": "类别",
    "known": "已知件数",
    "link_count": "连接数",
    "lookback": "回溯期",
    "low": "下限",
    "name": "名称",
    "null_means": "空值含义",
    "p25": "25%分位",
    "p5": "5%分位",
    "p50": "中位数",
    "p75": "75%分位",
    "p95": "95%分位",
    "p50_cny": "中位数（元）",
    "p5_cny": "5%分位（元）",
    "p95_cny": "95%分位（元）",
    "party_count": "名称数",
    "patent": "专利",
    "patent_id": "专利",
    "patents": "专利件数",
    "reader": "读取器",
    "row_counts": "各表行数",
    "rows": "行数",
    "rows_read": "读入记录",
    "rows_refused": "拒收记录",
    "score": "得分",
    "score_high": "得分上界",
    "score_low": "得分下界",
    "share": "占比",
    "share_known": "已知占比",
    "source": "来源",
    "source_id": "来源",
    "status": "状态",
    "subject": "对象",
    "table": "表",
    "template": "模板",
    "threshold": "阈值",
    "unit": "单位",
    "value": "值",
    "version": "版本",
    "where": "位置",
    "brier": "Brier 分",
    "brier_constant": "Brier（常数）",
    "brier_engine": "Brier（引擎）",
    "brier_weibull": "Brier（单一威布尔）",
    "beyond": "外推占比",
    "intercept": "校准截距",
    "intercept_error": "截距标准误",
    "brier_kaplan_meier": "Brier（KM）",
    "crps": "CRPS（对数）",
    "error": "标准误",
    "label": "检验对象",
    "nominal": "名义水平",
    "p_uniform": "秩均匀 p 值",
    "p_ecdf": "秩分布 p 值",
    "verdict": "两个百分点内",
    "part": "部分",
    "slope": "校准斜率",
    "slope_error": "斜率标准误",
}

_VALUES_ZH: Mapping[str, str] = {
    "legal": "法律",
    "technical": "技术",
    "economic": "经济",
    "coverage": "覆盖",
    "dangling": "悬空引用",
    "duplicate": "重复主键",
    "finding": "发现",
    "higher_better": "越高越好",
    "lower_better": "越低越好",
    "neutral": "中性",
    "life": "寿命",
    "model": "模型",
    "firm": "企业",
    "within": "是",
    "outside": "否",
    "undecided": "样本不足以判断",
    "imported": "已导入",
    "unchanged": "未变",
    "refused": "已拒绝",
    "valued": "已估值",
    "ended": "权利已终止",
    "patents": "专利件数",
    "names a patent outside the store": "所指专利不在库内",
    "keys that occur more than once": "主键出现多次",
}


def head(name: str, lang: Language) -> str:
    """Return what a column is called in a table for people; JSON and CSV keep the code's name."""
    return _HEADS_ZH.get(name, name) if lang == "zh" else name


def shown(text: str, lang: Language) -> str:
    """Return a cell's text; only words of a closed list are translated."""
    return _VALUES_ZH.get(text, text) if lang == "zh" else text


def said(lang: Language, zh: str, en: str) -> str:
    """Return the note in the language asked for."""
    return zh if lang == "zh" else en
