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
    "mutes": Said("Mutes", "Disenyapkan", "靜音"),
    "mutes_title": Said("What is muted", "Yang disenyapkan", "靜音中的項目"),
    "proposals": Said("Proposals", "Cadangan", "提案"),
    "proposals_title": Said(
        "Baselines waiting for your decision", "Garis dasar yang menunggu keputusan anda", "等待您決定的能源基線"
    ),
    "decisions": Said("Decisions", "Keputusan", "決定紀錄"),
    "decisions_title": Said(
        "What was decided, by whom, and what became of it",
        "Keputusan, oleh siapa, dan hasilnya",
        "決定的內容、決定者與結果",
    ),
    "login_title": Said("Who are you?", "Siapa anda?", "請登入"),
    "command_title": Said("What became of it", "Hasilnya", "處理結果"),
    # how things stand
    "reading": Said(
        "Reading what has happened so far: {share} %. What you see is not complete yet.",
        "Membaca apa yang telah berlaku: {share} %. Paparan ini belum lengkap.",
        "正在讀取過往紀錄：{share} %。目前顯示的內容尚不完整。",
    ),
    "kafka_away": Said(
        "Kafka does not answer: what you see may be out of date.",
        "Kafka tidak memberi respons: paparan ini mungkin bukan yang terkini.",
        "Kafka 沒有回應：顯示的內容可能已過時。",
    ),
    "nobody_works": Said(
        "No worker is running: nothing is judged, and what you see is how things stood before.",
        "Tiada worker berjalan: tiada apa yang dinilai, dan paparan ini ialah keadaan sebelum itu.",
        "沒有 worker 在執行：目前不做任何判斷，顯示的是先前的狀態。",
    ),
    "handing_over": Said(
        "Workers are redistributing their work: results may be some seconds late.",
        "Worker sedang mengagihkan semula kerja: hasil mungkin lewat beberapa saat.",
        "worker 正在重新分配工作：結果可能延遲數秒。",
    ),
    "unreadable": Said(
        "{n} records could not be read; the board's log says which.",
        "{n} rekod tidak dapat dibaca; log papan pemuka ini menyatakan yang mana.",
        "有 {n} 筆紀錄無法讀取；詳見本面板的記錄檔。",
    ),
    "not_updated": Said(
        "Not updating: the board does not answer. Last news:",
        "Tidak dikemas kini: papan pemuka tidak memberi respons. Berita terakhir:",
        "未更新：面板沒有回應。最後更新：",
    ),
    "workers": Said("Workers: {n}", "Worker: {n}", "worker：{n}"),
    "as_of": Said("as of", "setakat", "截至"),
    # episodes
    "nothing_open": Said("Nothing is open.", "Tiada yang terbuka.", "目前沒有進行中的事件。"),
    "nothing_here": Said(
        "Nothing matches what you look for.", "Tiada yang sepadan dengan carian anda.", "沒有符合搜尋條件的項目。"
    ),
    "show_all": Said("Show all", "Tunjukkan semua", "顯示全部"),
    "costs_now": Said(
        "While nobody acts, these cost {cost} an hour.",
        "Selagi tiada tindakan, kosnya {cost} sejam.",
        "在處理之前，每小時損失 {cost}。",
    ),
    "more": Said(
        "{n} more are not listed: narrow the search.",
        "{n} lagi tidak disenaraikan: perincikan carian.",
        "另有 {n} 項未列出：請縮小搜尋範圍。",
    ),
    "place": Said("Place", "Tempat", "位置"),
    "search": Said("Search", "Cari", "搜尋"),
    "severity": Said("Severity", "Keterukan", "嚴重度"),
    "machine": Said("Machine", "Mesin", "設備"),
    "series": Said("Series", "Siri", "測點"),
    "watch": Said("Watch", "Pemantau", "監測項目"),
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
    "lasted": Said("Lasted", "Tempoh", "持續時間"),
    "why_ended": Said("Why it ended", "Sebab tamat", "結束原因"),
    "learned_since": Said("Has learned since", "Belajar sejak", "學習起點"),
    "contribution": Said("Contributions", "Sumbangan", "貢獻度"),
    "cost_per_hour": Said("Cost an hour", "Kos sejam", "每小時損失"),
    "cost_total": Said("Cost so far", "Kos setakat ini", "累計損失"),
    "kwh_per_hour": Said("Energy an hour (kWh)", "Tenaga sejam (kWh)", "每小時能耗 (kWh)"),
    "kwh_total": Said("Energy so far (kWh)", "Tenaga setakat ini (kWh)", "累計能耗 (kWh)"),
    "kgco2e_per_hour": Said("Carbon an hour (kg CO₂e)", "Karbon sejam (kg CO₂e)", "每小時碳排 (kg CO₂e)"),
    "kgco2e_total": Said("Carbon so far (kg CO₂e)", "Karbon setakat ini (kg CO₂e)", "累計碳排 (kg CO₂e)"),
    "about_the_past": Said(
        "About the past: nobody was paged.",
        "Tentang masa lalu: tiada makluman dihantar.",
        "屬於過去的資料：未發出通知。",
    ),
    "course": Said("Its course", "Kronologi", "事件歷程"),
    "evidence": Said("What the verdict was made of", "Asas keputusan", "判斷依據"),
    "means": Said("What it means, and what to check", "Maksudnya, dan apa yang perlu diperiksa", "含義與檢查步驟"),
    "runbook": Said("Runbook", "Buku panduan", "處理手冊"),
    "in_grafana": Said("See it in Grafana", "Lihat di Grafana", "在 Grafana 中查看"),
    "phase": Said("Phase", "Fasa", "階段"),
    "unknown_episode": Said(
        "This board knows no episode with the id {id}: it is older than what is kept, or there is none.",
        "Papan pemuka ini tidak mengenali episod {id}: ia lebih lama daripada yang disimpan, atau tidak wujud.",
        "本面板沒有編號 {id} 的事件：可能早於保留期限，或並不存在。",
    ),
    # acts
    "your_word": Said("What do you want to do?", "Apa yang anda mahu lakukan?", "您要怎麼處理？"),
    "reject": Said("False alarm", "Penggera palsu", "誤報"),
    "reject_does": Said(
        "Closes the episode. What was learned stays.",
        "Menutup episod. Apa yang dipelajari kekal.",
        "結束此事件，保留已學習的內容。",
    ),
    "approve": Said("This is the new normal", "Ini keadaan normal baharu", "這是新的正常狀態"),
    "approve_does": Said(
        "Closes the episode; the watch learns anew what is normal for this series.",
        "Menutup episod; pemantau mempelajari semula keadaan normal siri ini.",
        "結束此事件；監測項目將重新學習此測點的正常狀態。",
    ),
    "mute": Said("Mute", "Senyapkan", "靜音"),
    "mute_does": Said(
        "Nothing of it is judged or learned until then. Readings are stored all the same.",
        "Tiada yang dinilai atau dipelajari sehingga waktu itu. Bacaan tetap disimpan.",
        "在此之前不判斷也不學習；讀數仍照常儲存。",
    ),
    "unmute": Said("End the mute", "Tamatkan penyenyapan", "解除靜音"),
    "rebaseline": Said("The machine was changed", "Mesin telah diubah", "設備已變更"),
    "rebaseline_does": Said(
        "All watches of this machine forget what they have learned, and learn anew. This cannot be undone.",
        "Semua pemantau mesin ini melupakan apa yang dipelajari dan belajar semula. Ini tidak boleh dibatalkan.",
        "此設備的所有監測項目將忘記已學習的內容並重新學習。此操作無法復原。",
    ),
    "take": Said("Take the new baseline", "Guna garis dasar baharu", "採用新基線"),
    "take_does": Said(
        "What was learned since the change becomes the baseline; savings are counted from it.",
        "Apa yang dipelajari sejak perubahan menjadi garis dasar; penjimatan dikira daripadanya.",
        "自變更以來所學習的內容成為新基線；節能量由此計算。",
    ),
    "keep": Said("Keep the one in force", "Kekalkan yang sedia ada", "保留現行基線"),
    "keep_does": Said(
        "The baseline stays; a further change will be proposed again.",
        "Garis dasar kekal; perubahan seterusnya akan dicadangkan lagi.",
        "基線不變；若再有變化將再次提案。",
    ),
    "how_long": Said("How long", "Berapa lama", "時間長度"),
    "of_what": Said("Of what", "Skop", "範圍"),
    "this_series": Said("this series", "siri ini", "此測點"),
    "whole_machine": Said("the whole machine", "seluruh mesin", "整台設備"),
    "whole_line": Said("the whole line", "seluruh barisan pengeluaran", "整條產線"),
    "reason": Said("Reason", "Sebab", "原因"),
    "reason_needed": Said("Reason (needed)", "Sebab (wajib)", "原因（必填）"),
    "name": Said("Your name", "Nama anda", "您的姓名"),
    "mute_something": Said("Mute something", "Senyapkan sesuatu", "新增靜音"),
    "globs": Said(
        "* and ? stand for anything, as in penang/smt/line1/*",
        "* dan ? mewakili apa sahaja, seperti penang/smt/line1/*",
        "* 與 ? 代表任意文字，例如 penang/smt/line1/*",
    ),
    "until": Said("Until", "Sehingga", "直到"),
    "by": Said("By", "Oleh", "操作者"),
    "nothing_muted": Said("Nothing is muted.", "Tiada yang disenyapkan.", "目前沒有靜音的項目。"),
    "nothing_proposed": Said(
        "No baseline waits for your decision.", "Tiada garis dasar menunggu keputusan anda.", "目前沒有等待決定的基線。"
    ),
    "nothing_decided": Said("Nothing was decided yet.", "Belum ada keputusan.", "尚無任何決定。"),
    "takes_less": Said(
        "{asset} has taken {kwh} kWh less a {step} than its baseline expects, since about",
        "{asset} menggunakan {kwh} kWh kurang setiap {step} berbanding jangkaan garis dasar, sejak sekitar",
        "{asset} 每{step}比基線預期少用 {kwh} kWh，約始於",
    ),
    "takes_more": Said(
        "{asset} has taken {kwh} kWh more a {step} than its baseline expects, since about",
        "{asset} menggunakan {kwh} kWh lebih setiap {step} berbanding jangkaan garis dasar, sejak sekitar",
        "{asset} 每{step}比基線預期多用 {kwh} kWh，約始於",
    ),
    "hour": Said("hour", "jam", "小時"),
    "day": Said("day", "hari", "日"),
    # what became of it
    "sent_to": Said(
        "Sent to {n} partitions; {m} have answered.",
        "Dihantar kepada {n} partisi; {m} telah menjawab.",
        "已送至 {n} 個分區；{m} 個已回覆。",
    ),
    "is_waiting": Said("Waiting for the workers' answer …", "Menunggu jawapan worker …", "等待 worker 回覆……"),
    "is_done": Said("Done.", "Selesai.", "已完成。"),
    "is_refused": Said("Refused: nothing was done.", "Ditolak: tiada apa yang dilakukan.", "未執行：遭系統拒絕。"),
    "is_unanswered": Said(
        "Not answered in full yet. The command is kept, and carried out as soon as a worker runs.",
        "Belum dijawab sepenuhnya. Arahan disimpan dan akan dilaksanakan sebaik sahaja worker berjalan.",
        "尚未完全回覆。指令已保留，worker 恢復執行後即會處理。",
    ),
    "is_unknown": Said("Nothing is known of this command.", "Tiada maklumat tentang arahan ini.", "查無此指令。"),
    "concerns": Said("{n} affected", "{n} terlibat", "影響 {n} 項"),
    "partition": Said("Partition", "Partisi", "分區"),
    "outcome": Said("Outcome", "Hasil", "結果"),
    "time": Said("Time", "Masa", "時間"),
    "why": Said("Why", "Penjelasan", "說明"),
    "kind": Said("Decision", "Keputusan", "類型"),
    "target": Said("Of what", "Sasaran", "對象"),
    "back": Said("Back", "Kembali", "返回"),
    "not_sent": Said(
        "It is not certain that it was sent: {why}. Send it again: it is carried out once.",
        "Tidak pasti sama ada ia telah dihantar: {why}. Hantar semula: ia dilaksanakan sekali sahaja.",
        "無法確定是否已送出：{why}。請再送一次：只會執行一次。",
    ),
    "not_right": Said("Please correct: {why}", "Sila betulkan: {why}", "請更正：{why}"),
    "reason_missing": Said(
        "give a reason, it stands in the audit",
        "nyatakan sebab, ia direkodkan dalam audit",
        "必須填寫原因，將記入稽核紀錄",
    ),
    "name_missing": Said(
        "give your name, it stands in the audit",
        "nyatakan nama anda, ia direkodkan dalam audit",
        "必須填寫姓名，將記入稽核紀錄",
    ),
    # who
    "password": Said("Password", "Kata laluan", "密碼"),
    "log_in": Said("Log in", "Log masuk", "登入"),
    "log_out": Said("Log out", "Log keluar", "登出"),
    "wrong_password": Said("This is not the password.", "Kata laluan salah.", "密碼不正確。"),
    "language": Said("Language", "Bahasa", "語言"),
    # severities, phases, outcomes, kinds
    "critical": Said("Critical", "Kritikal", "緊急"),
    "major": Said("Major", "Serius", "重大"),
    "minor": Said("Minor", "Ringan", "次要"),
    "warning": Said("Warning", "Amaran", "警告"),
    "info": Said("Info", "Maklumat", "資訊"),
    "phase_opened": Said("opened", "dibuka", "開始"),
    "phase_escalated": Said("worse", "bertambah teruk", "惡化"),
    "phase_closed": Said("closed", "ditutup", "結束"),
    "reason_recovered": Said("back to normal", "kembali normal", "恢復正常"),
    "reason_reconfigured": Said("its watch was changed", "pemantaunya diubah", "監測項目已變更"),
    "reason_muted": Said("muted", "disenyapkan", "已靜音"),
    "reason_rebaselined": Said("learns anew", "belajar semula", "重新學習"),
    "reason_approved": Said("accepted as the new normal", "diterima sebagai normal baharu", "核准為新的正常狀態"),
    "reason_rejected": Said("false alarm", "penggera palsu", "誤報"),
    "outcome_accepted": Said("done", "dilaksanakan", "已執行"),
    "outcome_refused": Said("refused", "ditolak", "已拒絕"),
    "outcome_repeated": Said("done before", "telah dilaksanakan", "先前已執行"),
    "outcome_proposed": Said("proposed", "dicadangkan", "已提案"),
    "outcome_withdrawn": Said("withdrawn", "ditarik balik", "已撤回"),
    "kind_mute": Said("mute", "senyapkan", "靜音"),
    "kind_rebaseline": Said("learn anew", "belajar semula", "重新學習"),
    "kind_approve": Said("new normal", "normal baharu", "新的正常狀態"),
    "kind_reject": Said("false alarm", "penggera palsu", "誤報"),
    "kind_configure": Said("configuration", "konfigurasi", "設定"),
    "kind_baseline": Said("energy baseline", "garis dasar tenaga", "能源基線"),
    "kind_none": Said("nothing readable", "tidak dapat dibaca", "無法讀取"),
    "behind": Said(
        "Catching up: {n} records are not read yet.",
        "Sedang mengejar: {n} rekod belum dibaca.",
        "正在追趕：尚有 {n} 筆紀錄未讀取。",
    ),
    "changed": Said("Something has changed here.", "Ada perubahan di sini.", "此處內容已有變更。"),
    "show_it": Said("Show it", "Tunjukkan", "顯示"),
    "confirm": Said("Yes: {asset} learns anew", "Ya: {asset} belajar semula", "確定：{asset} 重新學習"),
    "is_nothing": Said(
        "Done, but nothing that is known matches it: is the name right? It also holds for what appears later.",
        "Selesai, tetapi tiada yang sepadan setakat ini: adakah nama itu betul? Ia juga terpakai kepada yang muncul kemudian.",
        "已完成，但目前沒有符合的項目：名稱是否正確？之後出現的項目也適用。",
    ),
    "is_partly": Said(
        "Done in part: some of it was refused.", "Selesai sebahagian: ada yang ditolak.", "部分完成：部分遭拒絕。"
    ),
    "too_many": Said(
        "Too many tries. Wait half a minute.",
        "Terlalu banyak cubaan. Tunggu setengah minit.",
        "嘗試次數過多，請稍候半分鐘。",
    ),
    "logged_out": Said(
        "You were logged out before this was sent: nothing was changed. Log in and do it again.",
        "Anda telah dilog keluar sebelum ini dihantar: tiada apa yang berubah. Log masuk dan buat semula.",
        "送出前您已被登出：未做任何變更。請登入後重新操作。",
    ),
    "kind_unmute": Said("end of a mute", "tamat penyenyapan", "解除靜音"),
    "kind_take": Said("new baseline taken", "garis dasar baharu digunakan", "採用新基線"),
    "kind_keep": Said("baseline kept", "garis dasar dikekalkan", "保留現行基線"),
    "less": Said("less than {n} min", "kurang {n} min", "不到 {n} 分"),
    # durations
    "d": Said("{n} d", "{n} hari", "{n} 天"),
    "h": Said("{n} h", "{n} jam", "{n} 小時"),
    "min": Said("{n} min", "{n} min", "{n} 分"),
}


def say(language: Language, key: str, **facts: object) -> str:
    """A thing in a language, with what it is about filled in.

    >>> say("ms", "concerns", n=12)
    '12 terlibat'
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
