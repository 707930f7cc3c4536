"""One line for a person, in three languages, from what a detector found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.message_charts import CHARTS
from streams.units import shown

_TEXT: dict[str, dict[str, str]] = CHARTS | {
    "limits": {
        "en": "{asset} {series} is {value}{unit}, outside {low} to {high}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}, di luar julat {low} hingga {high}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，超出 {low} 至 {high}{unit} 的範圍",
    },
    "limits_above": {
        "en": "{asset} {series} is {value}{unit}, above the limit of {high}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}, melebihi had {high}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，高於上限 {high}{unit}",
    },
    "limits_below": {
        "en": "{asset} {series} is {value}{unit}, below the limit of {low}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}, di bawah had {low}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，低於下限 {low}{unit}",
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
    "quality": {
        "en": "{asset} {series}: the source marks too many readings as bad or uncertain; check sensor and wiring",
        "ms": "{asset} {series}: sumber menandakan terlalu banyak bacaan sebagai buruk; periksa penderia dan wayar",
        "zh-TW": "{asset} 的 {series}：來源將過多讀數標記為不良或不確定；請檢查感測器與接線",
    },
    "clock": {
        "en": "{asset} {series}: the times of its readings do not fit the log's; check the source's clock",
        "ms": "{asset} {series}: masa bacaan tidak sepadan dengan log; periksa jam sumber",
        "zh-TW": "{asset} 的 {series}：讀數時間與記錄不符；請檢查來源時鐘",
    },
    "clock_ahead": {
        "en": "{asset} {series}: the source's clock is ahead by {lag}",
        "ms": "{asset} {series}: jam sumber mendahului sebanyak {lag}",
        "zh-TW": "{asset} 的 {series}：來源時鐘快了 {lag}",
    },
    "clock_behind": {
        "en": "{asset} {series}: the source's clock is behind by {lag}; check clock and time zone",
        "ms": "{asset} {series}: jam sumber lewat sebanyak {lag}; periksa jam dan zon waktu",
        "zh-TW": "{asset} 的 {series}：來源時鐘慢了 {lag}；請檢查時鐘與時區",
    },
    "clock_back": {
        "en": "{asset} {series}: the source's clock was set back, its readings are {lag} old and count as late",
        "ms": "{asset} {series}: jam sumber telah diundur, bacaannya berusia {lag} dan dikira lewat",
        "zh-TW": "{asset} 的 {series}：來源時鐘被調回，讀數已過時 {lag}，視為遲到",
    },
    "stale": {
        "en": "{asset} {series}: the same reading is sent again and again as new, it is {lag} old",
        "ms": "{asset} {series}: bacaan yang sama dihantar berulang kali sebagai baharu, usianya {lag}",
        "zh-TW": "{asset} 的 {series}：同一讀數一再當作新讀數傳送，已過時 {lag}",
    },
    "unit_swap": {
        "en": "{asset} {series} is {value}{unit}: the unit seems to have changed ({swap}), in the old one {expected}",
        "ms": "{asset} {series} ialah {value}{unit}: unit nampaknya berubah ({swap}), dalam unit lama {expected}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}：單位似乎已變更（{swap}），以原單位為 {expected}",
    },
    "duplicate": {
        "en": "{asset}: {pairs}: the same values all the time; is a sensor wired to two tags, or a tag copied?",
        "ms": "{asset}: {pairs}: nilai sentiasa sama; adakah satu penderia disambung ke dua tag, atau tag disalin?",
        "zh-TW": "{asset}：{pairs}：數值始終相同；是否同一感測器接到兩個標籤，或標籤被複製？",
    },
    "railed": {
        "en": "{asset} {series} stays at {value}{unit}, the end of its range; check sensor and wiring",
        "ms": "{asset} {series} kekal pada {value}{unit}, hujung julatnya; periksa penderia dan pendawaian",
        "zh-TW": "{asset} 的 {series} 停在量程端點 {value}{unit}；請檢查感測器與接線",
    },
    "fill_value": {
        "en": "{asset} {series} says {value}{unit}, which stands for no measurement; check the sensor",
        "ms": "{asset} {series} menunjukkan {value}{unit}, iaitu kod tiada ukuran; periksa penderia",
        "zh-TW": "{asset} 的 {series} 顯示 {value}{unit}，代表沒有量測值；請檢查感測器",
    },
    "unfit": {
        "en": "{asset} {series}: the model of {watch} no longer fits, it would alarm most of the time; re-baseline it",
        "ms": "{asset} {series}: model {watch} tidak lagi sesuai, penggera hampir sepanjang masa; tetapkan semula",
        "zh-TW": "{asset} 的 {series}：{watch} 的模型已不適用，大部分時間都會告警；請重新建立基準",
    },
    "bearing": {
        "en": "{asset} {series}: a bearing shows signs of damage: strength {value}, limit {high}",
        "ms": "{asset} {series}: galas menunjukkan tanda kerosakan: kekuatan {value}, had {high}",
        "zh-TW": "{asset} 的 {series}：軸承有損傷跡象：強度 {value}，門檻 {high}",
    },
    "bearing_inner_race": {
        "en": "{asset} {series}: the bearing's inner race shows signs of damage: strength {value}, limit {high}",
        "ms": "{asset} {series}: gelang dalam galas menunjukkan tanda kerosakan: kekuatan {value}, had {high}",
        "zh-TW": "{asset} 的 {series}：軸承內環有損傷跡象：強度 {value}，門檻 {high}",
    },
    "bearing_outer_race": {
        "en": "{asset} {series}: the bearing's outer race shows signs of damage: strength {value}, limit {high}",
        "ms": "{asset} {series}: gelang luar galas menunjukkan tanda kerosakan: kekuatan {value}, had {high}",
        "zh-TW": "{asset} 的 {series}：軸承外環有損傷跡象：強度 {value}，門檻 {high}",
    },
    "bearing_ball": {
        "en": "{asset} {series}: a ball of the bearing shows signs of damage: strength {value}, limit {high}",
        "ms": "{asset} {series}: bebola galas menunjukkan tanda kerosakan: kekuatan {value}, had {high}",
        "zh-TW": "{asset} 的 {series}：軸承滾珠有損傷跡象：強度 {value}，門檻 {high}",
    },
    "bearing_cage": {
        "en": "{asset} {series}: the bearing's cage shows signs of damage: strength {value}, limit {high}",
        "ms": "{asset} {series}: sangkar galas menunjukkan tanda kerosakan: kekuatan {value}, had {high}",
        "zh-TW": "{asset} 的 {series}：軸承保持架有損傷跡象：強度 {value}，門檻 {high}",
    },
    "vibration_zone": {
        "en": "{asset} {series}: vibration is {value} mm/s RMS; zone C (not for long-term use) begins at {high} mm/s",
        "ms": "{asset} {series}: getaran {value} mm/s RMS; zon C, bukan untuk operasi lama, bermula pada {high} mm/s",
        "zh-TW": "{asset} 的 {series}：振動 {value} mm/s RMS；C 區（不宜長期運轉）始於 {high} mm/s",
    },
    "velocity_zone": {
        "en": "{asset} {series}: vibration is {value}{unit}; zone C (not for long-term use) begins at {high} mm/s",
        "ms": "{asset} {series}: getaran {value}{unit}; zon C, bukan untuk operasi lama, bermula pada {high} mm/s",
        "zh-TW": "{asset} 的 {series}：振動 {value}{unit}；C 區（不宜長期運轉）始於 {high} mm/s",
    },
    "auto": {
        "en": "{asset} {series} takes a course not seen before: {value}{unit}, at such a point {low} to {high}{unit}",
        "ms": "{asset} {series} menunjukkan corak baharu: {value}{unit}, biasanya {low} hingga {high}{unit} ketika ini",
        "zh-TW": "{asset} 的 {series} 出現未見過的走勢：{value}{unit}，此時通常為 {low} 至 {high}{unit}",
    },
    "level_shift": {
        "en": "{asset} {series} stepped as it never did: to {value}{unit}, known are {low} to {high}{unit}",
        "ms": "{asset} {series} berubah aras secara luar biasa: {value}{unit}, biasanya {low} hingga {high}{unit}",
        "zh-TW": "{asset} 的 {series} 發生未見過的位準變化：{value}{unit}，已知範圍 {low} 至 {high}{unit}",
    },
    "peers": {
        "en": "{asset} {series} is {value}{unit}, its peers on the line say about {expected}{unit} ({low} to {high})",
        "ms": "{asset} {series} ialah {value}{unit}, mesin setara sekitar {expected}{unit} ({low} hingga {high})",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，同線同類設備約 {expected}{unit}（{low} 至 {high}）",
    },
    "t2_spe": {
        "en": "{asset}: its inputs do not go together as they used to ({watch}); most of it (and expected): {most}",
        "ms": "{asset}: masukan tidak lagi bergerak bersama seperti biasa ({watch}); terutamanya (dijangka): {most}",
        "zh-TW": "{asset}：各輸入間的關係與以往不同（{watch}）；主要來自（預期值）：{most}",
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
    unit = shown(facts.get("unit"))
    words = {name: _number(fact) for name, fact in facts.items()}
    words["unit"] = f" {unit}" if unit else ""
    texts = _TEXT.get(_one_sided(key, facts), _TEXT["other"])
    return {language: texts[language].format_map(_Facts(words)) for language in languages}


def _one_sided(key: str, facts: Mapping[str, Any]) -> str:
    """Limits of which there is one alone are told as that one."""
    if key == "limits" and (facts.get("low") is None) != (facts.get("high") is None):
        return "limits_above" if facts.get("low") is None else "limits_below"
    return key


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "-"


def _number(fact: Any) -> str:
    if fact is None:
        return "-"
    return f"{fact:.5g}" if isinstance(fact, float) else str(fact)
