"""The second engine: key figures of machines, from `kpi.v1`, added up to those of areas and sites, on `kpi.site.v1`."""
