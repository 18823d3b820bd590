"""AdaIN (Huang & Belongie, ICCV 2017)."""
