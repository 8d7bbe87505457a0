# The one place that names the version: CMake, `kubectl backup version`, the packages and the Krew
# manifest take it from here.
set(BACKUP_VERSION 0.1.0)
