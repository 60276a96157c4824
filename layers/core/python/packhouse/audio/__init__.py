"""Audio files of datasets: what annotation sets are about."""
