"""Words of Chinese patent databases and what they mean in ours.

Recalled from public practice, not copied from any product's manual: the shipped mappings say so with their grade.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["LEGAL_STATUS", "NO", "OFFICES", "PROVINCES", "RIGHT_TYPE", "YES", "fold", "fold_head"]


_SHORT = 48
"""Longest text whose folded form is kept: words that stand in many cells."""
_INVISIBLE = re.compile(r"[\u200b-\u200f\ufeff\u2060]")


def fold(text: str) -> str:
    """Return the text in the form in which cells are compared: NFKC, case-folded, no outer blanks or zero-widths."""
    if text.isascii():
        return text.strip().casefold()
    return _fold_short(text) if len(text) <= _SHORT else _fold(text)


def _fold(text: str) -> str:
    cleaned = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return cleaned.strip().casefold()


@lru_cache(maxsize=65_536)
def _fold_short(text: str) -> str:
    return _fold(text)


@lru_cache(maxsize=16_384)
def fold_head(text: str) -> str:
    """Return a column head in the form in which heads are compared.

    Full-width letters and brackets become half-width; blanks, underscores, line breaks and decorations
    (``*``, ``[标]``, trailing colons) disappear.

    Examples
    --------
    >>> fold_head("公开（公告） 号*")
    '公开(公告)号'
    """
    folded = fold(text)
    folded = re.sub(r"^\[标\]", "", folded)
    folded = folded.replace("【", "[").replace("】", "]").replace("[", "(").replace("]", ")")
    return re.sub(r"[\s_*:\"'·]+", "", folded)


YES = frozenset({"是", "有", "y", "yes", "true", "1", "√", "t"})
NO = frozenset({"否", "无", "n", "no", "false", "0", "×", "f", "没有", "暂无"})

LEGAL_STATUS: Mapping[str, str | None] = {
    "授权": "in_force", "有效": "in_force", "有权": "in_force", "有效专利": "in_force", "专利权维持": "in_force",
    "授权公告": "in_force", "部分无效": "in_force", "权利转移": None, "质押": None, "许可": None, "权利恢复": "in_force",
    "公开": "pending", "实质审查": "pending", "实审": "pending", "实质审查的生效": "pending", "进入实审": "pending",
    "在审": "pending", "审中": "pending", "审查中": "pending", "复审": "pending", "待审": "pending", "受理": "pending",
    "未缴年费": "lapsed", "权利终止": "lapsed", "未缴年费专利权终止": "lapsed", "未缴年费终止": "lapsed",
    "专利权终止": "lapsed", "因费用终止": "lapsed", "终止": "lapsed", "欠费失效": "lapsed",
    "避重放弃": "surrendered", "放弃": "surrendered", "主动放弃": "surrendered", "专利权的主动放弃": "surrendered",
    "专利权放弃": "surrendered", "避免重复授权放弃专利权": "surrendered", "放弃-视为放弃": "surrendered",
    "视为放弃": "surrendered", "避免重复授权": "surrendered",
    "期限届满": "expired", "届满": "expired", "专利权有效期届满": "expired", "到期": "expired", "期满": "expired",
    "撤回": "withdrawn", "视为撤回": "withdrawn", "主动撤回": "withdrawn", "撤回-视为撤回": "withdrawn",
    "撤回-主动撤回": "withdrawn", "公布后的视为撤回": "withdrawn", "发明专利申请公布后的视为撤回": "withdrawn",
    "驳回": "refused", "驳回失效": "refused", "公布后的驳回": "refused", "发明专利申请公布后的驳回": "refused",
    "全部无效": "invalidated", "宣告无效": "invalidated", "宣告全部无效": "invalidated", "专利权全部无效": "invalidated",
    "专利权的无效宣告": None, "部分撤销": "in_force",
    "无效": "ended", "失效": "ended", "无权": "ended", "失效专利": "ended", "未确认": None, "不确定": None, "pct指定期满": None,
    "pct指定期内": "pending", "pct未进入指定国(指定期内)": "pending", "pct未进入指定国(指定期满)": None,
    "granted": "in_force", "active": "in_force", "pending": "pending", "lapsed": "lapsed", "expired": "expired",
    "withdrawn": "withdrawn", "rejected": "refused", "refused": "refused", "inactive": "ended", "invalidated": "invalidated",
}  # fmt: skip
"""None: the word does not tell which of our states holds; 失效 may be lapse, expiry, refusal or withdrawal, so `ended`."""

RIGHT_TYPE: Mapping[str, str] = {
    "发明": "invention", "发明专利": "invention", "发明申请": "invention", "中国发明": "invention",
    "发明授权": "invention", "授权发明": "invention", "发明公布": "invention", "中国发明专利": "invention",
    "中国发明申请": "invention", "中国发明授权": "invention", "pct发明": "invention", "1": "invention",
    "实用新型": "utility_model", "实用新型专利": "utility_model", "新型": "utility_model",
    "中国实用新型": "utility_model", "2": "utility_model", "pct实用新型": "utility_model",
    "外观": "design", "外观设计": "design", "外观设计专利": "design", "中国外观设计": "design", "外观专利": "design",
    "3": "design", "invention": "invention", "utilitymodel": "utility_model", "utility": "invention",
    "design": "design", "utility_model": "utility_model", "plant": "plant", "8": "invention", "9": "utility_model",
}  # fmt: skip

OFFICES: Mapping[str, str] = {
    "中国台湾": "TW", "台湾": "TW", "中国香港": "HK", "香港": "HK", "中国澳门": "MO", "澳门": "MO", "中国": "CN",
    "中华人民共和国": "CN", "美国": "US", "日本": "JP", "韩国": "KR", "德国": "DE", "法国": "FR", "英国": "GB",
    "欧洲专利局": "EP", "欧专局": "EP", "欧洲": "EP", "世界知识产权组织": "WO", "世界": "WO", "加拿大": "CA",
    "澳大利亚": "AU", "印度": "IN", "俄罗斯": "RU", "巴西": "BR", "瑞士": "CH", "瑞典": "SE", "荷兰": "NL",
    "意大利": "IT", "西班牙": "ES", "以色列": "IL", "新加坡": "SG", "丹麦": "DK", "芬兰": "FI", "奥地利": "AT",
    "比利时": "BE", "爱尔兰": "IE", "挪威": "NO", "墨西哥": "MX", "china": "CN", "united states": "US",
    "japan": "JP", "korea": "KR", "germany": "DE", "france": "FR", "united kingdom": "GB",
}  # fmt: skip

PROVINCES: Mapping[str, str] = {
    "北京": "11", "天津": "12", "河北": "13", "山西": "14", "内蒙古": "15", "辽宁": "21", "吉林": "22", "黑龙江": "23",
    "上海": "31", "江苏": "32", "浙江": "33", "安徽": "34", "福建": "35", "江西": "36", "山东": "37", "河南": "41",
    "湖北": "42", "湖南": "43", "广东": "44", "广西": "45", "海南": "46", "重庆": "50", "四川": "51", "贵州": "52",
    "云南": "53", "西藏": "54", "陕西": "61", "甘肃": "62", "青海": "63", "宁夏": "64", "新疆": "65", "台湾": "71",
    "香港": "81", "澳门": "82",
}  # fmt: skip
"""GB/T 2260, two-digit codes of the province level."""
