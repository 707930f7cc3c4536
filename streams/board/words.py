"""All that the board says, in English, Malay and Traditional Chinese. `{name}` is filled in by the page."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Language = Literal["en", "ms", "zh-TW"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"en": "English", "ms": "Bahasa Melayu", "zh-TW": "繁體中文"}


class Said(NamedTuple):
    """One thing in three languages."""

    en: str
    ms: str
    zh: str

    def in_(self, language: Language) -> str:
        """It in one of them."""
        return {"en": self.en, "ms": self.ms, "zh-TW": self.zh}[language]


WORDS: dict[str, Said] = {
    # what the pages are called
    "open": Said("Open", "Terbuka", "進行中"),
    "open_title": Said("Open episodes", "Episod terbuka", "進行中的事件"),
    "closed": Said("Closed", "Selesai", "已結束"),
    "closed_title": Said("Episodes that are over", "Episod yang telah selesai", "已結束的事件"),
    "mutes": Said("Mutes", "Senyap", "靜音"),
    "mutes_title": Said("What is muted", "Yang disenyapkan", "靜音中的項目"),
    "proposals": Said("Proposals", "Cadangan", "提案"),
    "proposals_title": Said("Baselines that wait for your word", "Garis dasar yang menunggu keputusan anda",
                            "等待您決定的能源基準"),
    "decisions": Said("Decisions", "Keputusan", "決定紀錄"),
    "decisions_title": Said("What was decided, by whom, and what became of it", "Keputusan, oleh siapa, dan hasilnya",
                            "決定的內容、決定者與結果"),
    "login_title": Said("Who are you?", "Siapa anda?", "請登入"),
    "command_title": Said("What became of it", "Hasilnya", "處理結果"),
    # how things stand
    "reading": Said("Reading what has happened so far: {share} %. What you see is not complete yet.",
                    "Membaca apa yang telah berlaku: {share} %. Paparan ini belum lengkap.",
                    "正在讀取過往紀錄：{share} %。目前顯示的內容尚不完整。"),
    "kafka_away": Said("Kafka does not answer: what you see may be out of date.",
                       "Kafka tidak menjawab: paparan ini mungkin sudah lapuk.",
                       "Kafka 沒有回應：顯示的內容可能已過時。"),
    "nobody_works": Said("No worker is running: nothing is judged, and what you see is how things stood before.",
                         "Tiada worker berjalan: tiada apa yang dinilai, dan paparan ini ialah keadaan sebelum itu.",
                         "沒有 worker 在執行：目前不做任何判斷，顯示的是先前的狀態。"),
    "handing_over": Said("Workers are dealing out their work: results may be some seconds late.",
                         "Worker sedang mengagihkan kerja: hasil mungkin lewat beberapa saat.",
                         "worker 正在重新分配工作：結果可能延遲數秒。"),
    "unreadable": Said("{n} records could not be read; the board's log says which.",
                       "{n} rekod tidak dapat dibaca; log papan ini menyatakan yang mana.",
                       "有 {n} 筆紀錄無法讀取；詳見本面板的記錄檔。"),
    "not_updated": Said("This page gets no news: the board does not answer. It shows how things stood at",
                        "Halaman ini tidak dikemas kini: papan tidak menjawab. Ia menunjukkan keadaan pada",
                        "本頁無法更新：面板沒有回應。顯示的是下列時間的狀態："),
    "workers": Said("Workers: {n}", "Worker: {n}", "worker：{n}"),
    "as_of": Said("as of", "setakat", "截至"),
    # episodes
    "nothing_open": Said("Nothing is open.", "Tiada yang terbuka.", "目前沒有進行中的事件。"),
    "nothing_here": Said("Nothing matches what you look for.", "Tiada yang sepadan dengan carian anda.",
                         "沒有符合搜尋條件的項目。"),
    "show_all": Said("Show all", "Tunjukkan semua", "顯示全部"),
    "costs_now": Said("While nobody acts, these cost {cost} an hour.", "Selagi tiada tindakan, kosnya {cost} sejam.",
                      "在處理之前，每小時損失 {cost}。"),
    "more": Said("{n} more are not listed: narrow the search.", "{n} lagi tidak disenaraikan: kecilkan carian.",
                 "另有 {n} 項未列出：請縮小搜尋範圍。"),
    "place": Said("Place", "Tempat", "位置"),
    "search": Said("Search", "Cari", "搜尋"),
    "severity": Said("Severity", "Tahap", "嚴重度"),
    "machine": Said("Machine", "Mesin", "設備"),
    "series": Said("Series", "Siri", "數列"),
    "watch": Said("Watch", "Pemantau", "監測"),
    "detector": Said("Detector", "Pengesan", "偵測器"),
    "what": Said("What was seen", "Apa yang dilihat", "觀察到的情況"),
    "measured": Said("Measured", "Diukur", "量測值"),
    "expected": Said("Expected", "Dijangka", "預期值"),
    "band": Said("Expected band", "Julat dijangka", "預期範圍"),
    "to": Said("{low} to {high}", "{low} hingga {high}", "{low} 至 {high}"),
    "score": Said("Score (1 and above is anomalous)", "Skor (1 ke atas ialah anomali)", "分數（1 以上為異常）"),
    "peak": Said("Highest score", "Skor tertinggi", "最高分數"),
    "since": Said("Since", "Sejak", "開始"),
    "ended": Said("Ended", "Tamat", "結束"),
    "lasted": Said("Lasted", "Tempoh", "持續"),
    "why_ended": Said("Why it ended", "Sebab tamat", "結束原因"),
    "learned_since": Said("Has learned since", "Belajar sejak", "學習起點"),
    "contribution": Said("Contributions", "Sumbangan", "貢獻度"),
    "cost_per_hour": Said("Cost an hour", "Kos sejam", "每小時損失"),
    "cost_total": Said("Cost so far", "Kos setakat ini", "累計損失"),
    "kwh_per_hour": Said("Energy an hour (kWh)", "Tenaga sejam (kWh)", "每小時能耗 (kWh)"),
    "kwh_total": Said("Energy so far (kWh)", "Tenaga setakat ini (kWh)", "累計能耗 (kWh)"),
    "kgco2e_per_hour": Said("Carbon an hour (kg CO₂e)", "Karbon sejam (kg CO₂e)", "每小時碳排 (kg CO₂e)"),
    "kgco2e_total": Said("Carbon so far (kg CO₂e)", "Karbon setakat ini (kg CO₂e)", "累計碳排 (kg CO₂e)"),
    "about_the_past": Said("About the past: nobody was paged.", "Tentang masa lalu: tiada siapa dipanggil.",
                           "屬於過去的資料：未發出呼叫。"),
    "course": Said("Its course", "Perjalanannya", "經過"),
    "evidence": Said("What the verdict was made of", "Asas keputusan", "判斷依據"),
    "in_grafana": Said("See it in Grafana", "Lihat di Grafana", "在 Grafana 中查看"),
    "phase": Said("Phase", "Fasa", "階段"),
    "unknown_episode": Said("This board knows no episode with the id {id}: it is older than what is kept, or there is "
                            "none.", "Papan ini tidak mengenali episod {id}: ia lebih lama daripada yang disimpan, "
                            "atau tidak wujud.", "本面板沒有編號 {id} 的事件：可能早於保留期限，或並不存在。"),
    # acts
    "your_word": Said("Your word", "Keputusan anda", "您的決定"),
    "reject": Said("False alarm", "Amaran palsu", "誤報"),
    "reject_does": Said("Closes the episode. What was learned stays.",
                        "Menutup episod. Apa yang dipelajari kekal.", "結束此事件，保留已學習的內容。"),
    "approve": Said("This is the new normal", "Ini keadaan normal baharu", "這是新的正常狀態"),
    "approve_does": Said("Closes the episode; the watch learns anew what is normal for this series.",
                         "Menutup episod; pemantau mempelajari semula keadaan normal siri ini.",
                         "結束此事件；監測將重新學習此數列的正常狀態。"),
    "mute": Said("Mute", "Senyapkan", "靜音"),
    "mute_does": Said("Nothing of it is judged or learned until then. Readings are stored all the same.",
                      "Tiada yang dinilai atau dipelajari sehingga waktu itu. Bacaan tetap disimpan.",
                      "在此之前不判斷也不學習；讀數仍照常儲存。"),
    "unmute": Said("End the mute", "Tamatkan senyap", "解除靜音"),
    "rebaseline": Said("The machine was changed", "Mesin telah diubah", "設備已變更"),
    "rebaseline_does": Said("All watches of this machine forget what they have learned, and learn anew.",
                            "Semua pemantau mesin ini melupakan apa yang dipelajari dan belajar semula.",
                            "此設備的所有監測將忘記已學習的內容並重新學習。"),
    "take": Said("Take the new baseline", "Guna garis dasar baharu", "採用新基準"),
    "take_does": Said("What was learned since the change becomes the baseline; savings are counted from it.",
                      "Apa yang dipelajari sejak perubahan menjadi garis dasar; penjimatan dikira daripadanya.",
                      "自變更以來所學習的內容成為新基準；節能量由此計算。"),
    "keep": Said("Keep the one in force", "Kekalkan yang sedia ada", "保留現行基準"),
    "keep_does": Said("The baseline stays; a further change will be proposed again.",
                      "Garis dasar kekal; perubahan seterusnya akan dicadangkan lagi.",
                      "基準不變；若再有變化將再次提案。"),
    "how_long": Said("How long", "Berapa lama", "多久"),
    "of_what": Said("Of what", "Untuk apa", "範圍"),
    "this_series": Said("this series", "siri ini", "此數列"),
    "whole_machine": Said("the whole machine", "seluruh mesin", "整台設備"),
    "whole_line": Said("the whole line", "seluruh barisan", "整條產線"),
    "reason": Said("Reason", "Sebab", "原因"),
    "reason_needed": Said("Reason (needed)", "Sebab (wajib)", "原因（必填）"),
    "name": Said("Your name", "Nama anda", "您的姓名"),
    "mute_something": Said("Mute something", "Senyapkan sesuatu", "新增靜音"),
    "globs": Said("* and ? stand for anything, as in penang/smt/line1/*",
                  "* dan ? mewakili apa sahaja, seperti penang/smt/line1/*",
                  "* 與 ? 代表任意文字，例如 penang/smt/line1/*"),
    "until": Said("Until", "Sehingga", "直到"),
    "by": Said("By", "Oleh", "決定者"),
    "nothing_muted": Said("Nothing is muted.", "Tiada yang disenyapkan.", "目前沒有靜音的項目。"),
    "nothing_proposed": Said("No baseline waits for your word.", "Tiada garis dasar menunggu keputusan anda.",
                             "目前沒有等待決定的基準。"),
    "nothing_decided": Said("Nothing was decided yet.", "Belum ada keputusan.", "尚無任何決定。"),
    "takes_less": Said("Since about {began}, {asset} has taken {kwh} kWh less a {step} than its baseline expects.",
                       "Sejak sekitar {began}, {asset} menggunakan {kwh} kWh kurang setiap {step} berbanding jangkaan "
                       "garis dasar.", "自 {began} 左右起，{asset} 每{step}比基準預期少用 {kwh} kWh。"),
    "takes_more": Said("Since about {began}, {asset} has taken {kwh} kWh more a {step} than its baseline expects.",
                       "Sejak sekitar {began}, {asset} menggunakan {kwh} kWh lebih setiap {step} berbanding jangkaan "
                       "garis dasar.", "自 {began} 左右起，{asset} 每{step}比基準預期多用 {kwh} kWh。"),
    "hour": Said("hour", "jam", "小時"),
    "day": Said("day", "hari", "日"),
    # what became of it
    "sent_to": Said("Sent to {n} partitions; {m} have answered.", "Dihantar kepada {n} partisi; {m} telah menjawab.",
                    "已送至 {n} 個分割；{m} 個已回覆。"),
    "is_waiting": Said("Waiting for the workers' answer …", "Menunggu jawapan worker …", "等待 worker 回覆……"),
    "is_done": Said("Done.", "Selesai.", "已完成。"),
    "is_refused": Said("Refused.", "Ditolak.", "已拒絕。"),
    "is_unanswered": Said("No answer yet. The command is kept, and carried out as soon as a worker runs.",
                          "Belum ada jawapan. Arahan disimpan dan akan dilaksanakan sebaik sahaja worker berjalan.",
                          "尚未回覆。指令已保留，worker 執行後即會處理。"),
    "is_unknown": Said("Nothing is known of this command.", "Tiada maklumat tentang arahan ini.", "查無此指令。"),
    "concerns": Said("concerns {n}", "melibatkan {n}", "涉及 {n} 項"),
    "partition": Said("Partition", "Partisi", "分割"),
    "outcome": Said("Outcome", "Hasil", "結果"),
    "time": Said("Time", "Masa", "時間"),
    "why": Said("Why", "Kenapa", "說明"),
    "kind": Said("Decision", "Keputusan", "決定"),
    "target": Said("Of what", "Untuk apa", "對象"),
    "back": Said("Back", "Kembali", "返回"),
    "not_sent": Said("It could not be sent, and nothing was changed: {why}",
                     "Ia tidak dapat dihantar, dan tiada apa yang berubah: {why}", "無法送出，未做任何變更：{why}"),
    "not_right": Said("Please correct: {why}", "Sila betulkan: {why}", "請更正：{why}"),
    "reason_missing": Said("give a reason, it stands in the audit", "nyatakan sebab, ia direkodkan dalam audit",
                           "請填寫原因，將記錄於稽核"),
    "name_missing": Said("give your name, it stands in the audit", "nyatakan nama anda, ia direkodkan dalam audit",
                         "請填寫姓名，將記錄於稽核"),
    # who
    "password": Said("Password", "Kata laluan", "密碼"),
    "log_in": Said("Log in", "Log masuk", "登入"),
    "log_out": Said("Log out", "Log keluar", "登出"),
    "wrong_password": Said("This is not the password.", "Kata laluan salah.", "密碼不正確。"),
    "language": Said("Language", "Bahasa", "語言"),
    # severities, phases, outcomes, kinds
    "critical": Said("Critical", "Kritikal", "緊急"),
    "major": Said("Major", "Besar", "重大"),
    "minor": Said("Minor", "Kecil", "次要"),
    "warning": Said("Warning", "Amaran", "警告"),
    "info": Said("Info", "Maklumat", "資訊"),
    "phase_opened": Said("opened", "dibuka", "開始"),
    "phase_escalated": Said("worse", "bertambah teruk", "惡化"),
    "phase_closed": Said("closed", "ditutup", "結束"),
    "reason_recovered": Said("back to normal", "kembali normal", "恢復正常"),
    "reason_reconfigured": Said("its watch was changed", "pemantaunya diubah", "監測已變更"),
    "reason_muted": Said("muted", "disenyapkan", "已靜音"),
    "reason_rebaselined": Said("learns anew", "belajar semula", "重新學習"),
    "reason_approved": Said("accepted as the new normal", "diterima sebagai normal baharu", "核准為新的正常狀態"),
    "reason_rejected": Said("false alarm", "amaran palsu", "誤報"),
    "outcome_accepted": Said("done", "dilaksanakan", "已執行"),
    "outcome_refused": Said("refused", "ditolak", "已拒絕"),
    "outcome_repeated": Said("done before", "telah dilaksanakan", "先前已執行"),
    "outcome_proposed": Said("proposed", "dicadangkan", "已提案"),
    "outcome_withdrawn": Said("withdrawn", "ditarik balik", "已撤回"),
    "kind_mute": Said("mute", "senyapkan", "靜音"),
    "kind_rebaseline": Said("learn anew", "belajar semula", "重新學習"),
    "kind_approve": Said("new normal", "normal baharu", "新的正常狀態"),
    "kind_reject": Said("false alarm", "amaran palsu", "誤報"),
    "kind_configure": Said("configuration", "konfigurasi", "設定"),
    "kind_baseline": Said("energy baseline", "garis dasar tenaga", "能源基準"),
    "kind_none": Said("nothing readable", "tidak dapat dibaca", "無法讀取"),
    # durations
    "d": Said("{n} d", "{n} hari", "{n} 天"),
    "h": Said("{n} h", "{n} jam", "{n} 小時"),
    "min": Said("{n} min", "{n} min", "{n} 分"),
    "s": Said("{n} s", "{n} saat", "{n} 秒"),
}  # fmt: skip


def say(language: Language, key: str, **facts: object) -> str:
    """A thing in a language, with what it is about filled in.

    >>> say("ms", "concerns", n=12)
    'melibatkan 12'
    """
    return WORDS[key].in_(language).format(**facts)


def choose(asked: str | None, header: str) -> Language:
    """The language of a page: the one asked for, else the first of a browser's list (Accept-Language) that we have.

    Chinese of any kind gets Traditional Chinese: a reader of either understands it better than English.

    >>> choose(None, "zh-CN,zh;q=0.9,en;q=0.8"), choose(None, "de, ms;q=0.5"), choose("en", "ms"), choose("xx", "")
    ('zh-TW', 'ms', 'en', 'en')
    """
    by_name: dict[str, Language] = {language: language for language in LANGUAGES}
    if asked in by_name:
        return by_name[asked]
    by_tag: dict[str, Language] = {"en": "en", "ms": "ms", "zh": "zh-TW"}
    wanted = []
    for place, part in enumerate(header.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((by_tag[tag] for _, _, tag in sorted(wanted) if tag in by_tag), "en")
