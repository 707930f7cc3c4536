"""Efficiency: how well time, material and energy are converted; pure functions of sums over windows, one idea a file.

Readings are gathered into sums, and calendars, tariffs and factors read from files, in `streams`. What cannot be formed
is NaN with a reason (`stated`), never 0.

- `account`: readings of machines booked on `sums` by `machine_state`, part and energy, over `spans` and a `timeline`
- `oee`: availability, effectiveness, quality, OEE (ISO 22400-2); `losses`: the six big losses in minutes and money
- `energy`: load factor, power factor, energy per good unit, idle energy; `utilities`: leak share, chillers
- `carbon`: dated grid factors with editions, location- and market-based scope 2
- `tariff`: tariffs as data, and the price class of each minute; `tariff_cost`: the bill, what a kWh or kW more costs
- `demand`: a demand window's end, forecast by `analogs`; `demand_risk`: kW to shed, money at risk
- `baseline`: energy by production and weather, learned online (`cholesky` solves); `fit`: the guideline's figures;
  `savings`: their sum with an interval, and when a new baseline is to be proposed
- `bottleneck`: the shifting bottleneck, from the active periods of a line's machines
"""
