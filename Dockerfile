# The server in a container; docs/how-to/container.md says how to run it.
# Podman needs `--format docker`: an image in the OCI format has no HEALTHCHECK.

# Any image of Debian or a kin of it that has Python with venv.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
# Of the distribution pywharf, as after a name for pip.
ARG EXTRAS=github
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/pywharf
WORKDIR /src
COPY packages ./packages
# All wheels first: in the offline installation the siblings find each other, whatever an index holds under their names.
# Symbols of compiled modules, stubs and tests of packages are a tenth of the size and of no use here.
RUN /opt/build/bin/pip wheel --no-cache-dir --wheel-dir /wheels \
      ./packages/pywharf-core ./packages/pywharf-filesystem ./packages/pywharf-github "./packages/pywharf${EXTRAS:+[$EXTRAS]}" \
 && /opt/build/bin/pip --python /opt/pywharf/bin/python3 install --no-cache-dir --no-compile \
      --no-index --find-links /wheels "pywharf${EXTRAS:+[$EXTRAS]}" \
 && find /opt/pywharf -type d -name tests -prune -exec rm -r {} + \
 && find /opt/pywharf -name '*.pyi' -delete \
 && find /opt/pywharf -name '*.so' -exec strip --strip-unneeded {} +

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="pywharf" \
      org.opencontainers.image.description="A private Python package index" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 pywharf \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pywharf \
 && install --directory --owner=10001 --group=10001 --mode=0700 /pywharf-root
COPY --from=build /opt/pywharf /opt/pywharf
ENV PATH=/opt/pywharf/bin:$PATH
# Bytecode of what a start imports, the standard library's too where the base has none: 2 seconds become half a second.
# Nothing can write it later: neither the user may, nor a read-only file system.
RUN python3 -P -c "import pywharf.app, pywharf.healthcheck, pywharf.worker, pypi_simple" \
 && pywharf --version
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYWHARF_COMMAND=server \
    PYWHARF_COMMAND_ROOT=/pywharf-root
USER 10001:10001
# Also where temporary files go when /tmp cannot be written.
WORKDIR /pywharf-root
VOLUME ["/pywharf-root"]
EXPOSE 8888
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=20s --retries=3 \
  CMD ["python3", "-P", "-m", "pywharf.healthcheck"]
ENTRYPOINT ["pywharf"]
