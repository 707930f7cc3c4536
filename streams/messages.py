"""One line for a person, in three languages, from what a detector found."""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, dict[str, str]] = {
    "limits": {
        "en": "{asset} {series} is {value}{unit}, outside {low} to {high}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}, di luar julat {low} hingga {high}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，超出 {low} 至 {high}{unit} 的範圍",
    },
    "stuck": {
        "en": "{asset} {series} has stood still at {value}{unit} for longer than is usual; check the sensor",
        "ms": "{asset} {series} tidak berubah pada {value}{unit} lebih lama daripada biasa; periksa penderia",
        "zh-TW": "{asset} 的 {series} 停在 {value}{unit} 的時間異常長；請檢查感測器",
    },
    "gap": {
        "en": "{asset} {series} has sent no data for longer than is usual; check the sensor, gateway or network",
        "ms": "{asset} {series} tiada data lebih lama daripada biasa; periksa penderia, get laluan atau rangkaian",
        "zh-TW": "{asset} 的 {series} 已異常長時間沒有資料；請檢查感測器、閘道器或網路",
    },
    "other": {
        "en": "{asset} {series} is {value}{unit}, expected about {expected}{unit} ({low} to {high})",
        "ms": "{asset} {series} ialah {value}{unit}, dijangka sekitar {expected}{unit} ({low} hingga {high})",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，預期約 {expected}{unit}（{low} 至 {high}）",
    },
    "recovered": {
        "en": "{asset} {series} is back to normal ({watch})",
        "ms": "{asset} {series} kembali normal ({watch})",
        "zh-TW": "{asset} 的 {series} 已恢復正常（{watch}）",
    },
    "muted": {
        "en": "{asset} {series}: watch {watch} is muted, its episode is closed",
        "ms": "{asset} {series}: pemantauan {watch} disenyapkan, episod ditutup",
        "zh-TW": "{asset} 的 {series}：監看 {watch} 已靜音，事件已結束",
    },
    "rebaselined": {
        "en": "{asset} {series}: watch {watch} learns anew what is normal, its episode is closed",
        "ms": "{asset} {series}: pemantauan {watch} mempelajari semula keadaan normal, episod ditutup",
        "zh-TW": "{asset} 的 {series}：監看 {watch} 重新學習正常狀態，事件已結束",
    },
    "approved": {
        "en": "{asset} {series}: accepted as the new normal, {watch} learns it; the episode is closed",
        "ms": "{asset} {series}: diterima sebagai keadaan normal baharu, {watch} mempelajarinya; episod ditutup",
        "zh-TW": "{asset} 的 {series}：已核准為新的正常狀態，{watch} 將重新學習；事件已結束",
    },
    "rejected": {
        "en": "{asset} {series}: marked as a false alarm of {watch}, the episode is closed",
        "ms": "{asset} {series}: ditandakan sebagai amaran palsu oleh {watch}, episod ditutup",
        "zh-TW": "{asset} 的 {series}：已標記為 {watch} 的誤報，事件已結束",
    },
    "reconfigured": {
        "en": "{asset} {series}: watch {watch} was removed or changed, its episode is closed",
        "ms": "{asset} {series}: pemantauan {watch} telah dibuang atau diubah, episod ditutup",
        "zh-TW": "{asset} 的 {series}：監看 {watch} 已移除或變更，事件已結束",
    },
}


def message(key: str, languages: list[str], **facts: Any) -> dict[str, str]:
    """The line of `key` (a detector's kind, or the reason why an episode closed) in the languages of the site.

    Facts: asset, series, watch (texts), value, expected, low, high (numbers or None), unit (text or None).

    >>> message("recovered", ["en"], asset="a", series="temp", watch="w", value=None, unit=None)
    {'en': 'a temp is back to normal (w)'}
    """
    unit = facts.get("unit")
    words = {name: _number(fact) for name, fact in facts.items()}
    words["unit"] = f" {unit}" if unit else ""
    texts = _TEXT.get(key, _TEXT["other"])
    return {language: texts[language].format_map(_Facts(words)) for language in languages}


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "-"


def _number(fact: Any) -> str:
    if fact is None:
        return "-"
    return f"{fact:.5g}" if isinstance(fact, float) else str(fact)
