"""Alerts on millstream itself: a worker that is away or behind, readings refused or lost, a store that refuses."""

from __future__ import annotations

from grafana.alerts.alert import Alert, Said

_JOB = 'job=~"millstream.*"'


def _both(ratio: str, limit: float, long: str = "1h", short: str = "5m") -> str:
    """A ratio of rates above a limit over both a long and a short window: neither a blip nor what is over fires."""
    return f"({ratio.replace('WINDOW', short)}) > {limit} and ({ratio.replace('WINDOW', long)}) > {limit}"


OWN = (
    Alert(
        "MillstreamWatchdog",
        "vector(1)",
        "none",
        "platform",
        Said(
            "Alerts work. This one fires always; an outside heartbeat notices when it does not come",
            "Amaran berfungsi. Yang ini sentiasa aktif; degupan luar menyedari jika ia tidak tiba",
            "警報正常。本警報永遠觸發；外部心跳服務會在收不到時通知",
        ),
    ),
    Alert(
        "MillstreamWorkerDown",
        f"up{{{_JOB}}} == 0",
        "major",
        "platform",
        Said(
            "Worker {{ $labels.instance }} does not answer",
            "Pekerja {{ $labels.instance }} tidak menjawab",
            "工作程序 {{ $labels.instance }} 沒有回應",
        ),
        hold="1m",
        variables=("instance",),
    ),
    Alert(
        "MillstreamNobodyWorks",
        "(sum(millstream_partitions_assigned) or vector(0)) == 0",
        "critical",
        "platform",
        Said(
            "No worker takes readings: nothing is judged",
            "Tiada pekerja mengambil bacaan: tiada apa yang dinilai",
            "沒有任何工作程序在讀取資料：目前不做任何判斷",
        ),
        hold="2m",
    ),
    Alert(
        "MillstreamLagging",
        "max by (partition) (millstream_lag_seconds) > 60",
        "major",
        "platform",
        Said(
            "Partition {{ $labels.partition }} is {{ $value | humanizeDuration }} behind: alarms come that much late",
            "Partisi {{ $labels.partition }} lewat {{ $value | humanizeDuration }}: penggera turut lewat",
            "分割區 {{ $labels.partition }} 落後 {{ $value | humanizeDuration }}：警報也會延遲",
        ),
        unit="s",
        hold="2m",
        keep="1m",
    ),
    Alert(
        "MillstreamRejecting",
        _both(
            'sum(rate(millstream_readings_total{outcome="rejected"}[WINDOW])) / sum(rate(millstream_readings_total[WINDOW]))',
            0.01,
        ),
        "minor",
        "platform",
        Said(
            "{{ $value | humanizePercentage }} of what comes in cannot be used: topic rejected.v1 says why",
            "{{ $value | humanizePercentage }} data masuk tidak dapat digunakan: topik rejected.v1 menyatakan sebabnya",
            "{{ $value | humanizePercentage }} 的輸入無法使用：原因見主題 rejected.v1",
        ),
        unit="1",
    ),
    Alert(
        "MillstreamReadingsLost",
        "sum(increase(millstream_records_missing_total[15m])) > 0",
        "critical",
        "platform",
        Said(
            "{{ $value | humanize }} readings were deleted from the topic before they were taken: raise its retention",
            "{{ $value | humanize }} bacaan dipadam daripada topik sebelum diambil: panjangkan tempoh simpanan",
            "{{ $value | humanize }} 筆資料在讀取前已被主題刪除：請延長保留時間",
        ),
    ),
    Alert(
        "MillstreamStoreRetrying",
        "sum by (sink) (rate(millstream_sink_retries_total[5m])) > 0"
        " and sum by (sink) (rate(millstream_sink_retries_total[30m])) > 0",
        "major",
        "platform",
        Said(
            "Writes to {{ $labels.sink }} fail and are tried again: boards stand still, nothing is lost",
            "Penulisan ke {{ $labels.sink }} gagal dan dicuba semula: papan tidak dikemas kini, tiada yang hilang",
            "寫入 {{ $labels.sink }} 失敗並重試中：看板停止更新，資料不會遺失",
        ),
        hold="5m",
    ),
    Alert(
        "MillstreamPointsDropped",
        "sum by (sink) (increase(millstream_sink_dropped_points_total[15m])) > 0",
        "minor",
        "platform",
        Said(
            "{{ $value | humanize }} points were refused by the store for good",
            "{{ $value | humanize }} titik ditolak terus oleh stor",
            "儲存庫永久拒收 {{ $value | humanize }} 個資料點",
        ),
    ),
    Alert(
        "MillstreamSnapshotOld",
        "max by (partition) (millstream_snapshot_age_seconds) > 900",
        "minor",
        "platform",
        Said(
            "The snapshot of partition {{ $labels.partition }} is {{ $value | humanizeDuration }} old: a restart would take long",
            "Syot kilat partisi {{ $labels.partition }} berusia {{ $value | humanizeDuration }}: mula semula akan lama",
            "分割區 {{ $labels.partition }} 的快照已 {{ $value | humanizeDuration }}：重新啟動將耗時較久",
        ),
        unit="s",
        hold="5m",
    ),
    Alert(
        "MillstreamSnapshotDamaged",
        "sum(increase(millstream_snapshots_damaged_total[15m])) > 0",
        "major",
        "platform",
        Said(
            "A snapshot could not be read; the one before it was taken",
            "Satu syot kilat tidak dapat dibaca; yang sebelumnya digunakan",
            "有快照無法讀取，已改用前一份",
        ),
    ),
    Alert(
        "MillstreamForged",
        "sum(increase(millstream_forged_total[15m])) > 0",
        "major",
        "platform",
        Said(
            "{{ $value | humanize }} records bore a wrong signature: someone writes what only workers may",
            "{{ $value | humanize }} rekod bertandatangan salah: ada pihak menulis apa yang hanya dibenarkan kepada pekerja",
            "{{ $value | humanize }} 筆紀錄簽章錯誤：有人寫入僅限工作程序的內容",
        ),
    ),
    Alert(
        "MillstreamClockOff",
        "abs(timestamp(millstream_clock_timestamp_seconds) - millstream_clock_timestamp_seconds) > 5",
        "minor",
        "platform",
        Said(
            "The clock of {{ $labels.instance }} is {{ $value | humanizeDuration }} off",
            "Jam {{ $labels.instance }} tersasar {{ $value | humanizeDuration }}",
            "{{ $labels.instance }} 的時鐘偏差 {{ $value | humanizeDuration }}",
        ),
        unit="s",
        hold="5m",
        variables=("instance",),
    ),
    Alert(
        "MillstreamCertificateEnds",
        "min by (certificate) (millstream_certificate_expiry_timestamp_seconds) - time() < 14 * 86400",
        "minor",
        "platform",
        Said(
            "Certificate {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}",
            "Sijil {{ $labels.certificate }} tamat dalam {{ $value | humanizeDuration }}",
            "憑證 {{ $labels.certificate }} 將於 {{ $value | humanizeDuration }} 後到期",
        ),
        unit="s",
        hold="15m",
    ),
    Alert(
        "MillstreamCertificateEndsSoon",
        "min by (certificate) (millstream_certificate_expiry_timestamp_seconds) - time() < 2 * 86400",
        "critical",
        "platform",
        Said(
            "Certificate {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}: workers cannot connect after that",
            "Sijil {{ $labels.certificate }} tamat dalam {{ $value | humanizeDuration }}: selepas itu pekerja terputus",
            "憑證 {{ $labels.certificate }} 將於 {{ $value | humanizeDuration }} 後到期：之後工作程序將無法連線",
        ),
        unit="s",
        hold="15m",
    ),
    Alert(
        "MillstreamConfigurationsDiffer",
        "count(count by (config) (millstream_config_info)) > 1",
        "minor",
        "platform",
        Said(
            "Workers run {{ $value }} different configurations",
            "Pekerja menggunakan {{ $value }} konfigurasi berbeza",
            "工作程序使用了 {{ $value }} 份不同的設定",
        ),
        hold="10m",
    ),
    Alert(
        "MillstreamModelsUnfit",
        "sum by (watch) (millstream_models_unfit) > 0",
        "warning",
        "process",
        Said(
            "{{ $value }} models of {{ $labels.watch }} no longer fit what they watch: rebaseline them, or mend the machine",
            "{{ $value }} model {{ $labels.watch }} tidak lagi sepadan: tetapkan semula garis dasar atau baiki mesin",
            "{{ $labels.watch }} 有 {{ $value }} 個模型已不適用：請重設基準或檢修機器",
        ),
        hold="1h",
        board="millstream-episodes",
        variables=("watch",),
    ),
    Alert(
        "MillstreamAboveBudget",
        "max by (watch) (millstream_alarm_rate_per_second) > 5 * max by (watch) (millstream_alarm_budget_per_second)"
        " and max by (watch) (millstream_warmup_ratio) >= 0.9",
        "warning",
        "process",
        Said(
            "Watch {{ $labels.watch }} alarms more than five times as often as its budget allows",
            "Pemantau {{ $labels.watch }} menggera lebih lima kali ganda daripada belanjawannya",
            "監測 {{ $labels.watch }} 的警報次數超過預算五倍",
        ),
        hold="1d",
        board="millstream-episodes",
        variables=("watch",),
    ),
    Alert(
        "MillstreamEpisodesUnlisted",
        "sum by (site) (millstream_episodes_unlisted) > 0",
        "major",
        "process",
        Said(
            "{{ $labels.site }} has {{ $value }} open episodes more than are listed: look for one common cause",
            "{{ $labels.site }} ada {{ $value }} episod terbuka di luar senarai: cari satu punca bersama",
            "{{ $labels.site }} 另有 {{ $value }} 個未列出的異常：請尋找共同原因",
        ),
        hold="1m",
        board="millstream-episodes",
        variables=("site",),
    ),
)
"""Of millstream itself."""
