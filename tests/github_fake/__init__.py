"""A GitHub for tests: private repositories, releases with assets, files of a branch, tokens, limits. No network, no account.

    with FakeGitHub.running() as fake:
        repository = fake.add_repo("acme", "packages")                       # private, with a first commit
        token = fake.token("writer", rights={"acme/packages": "write"})      # classic; or kind="fine_grained", …
        client = github.Github(base_url=fake.api_url, auth=github.Auth.Token(token.value), seconds_between_requests=0, …)

It speaks the layout of GitHub Enterprise on one port (``/api/v3``, ``/api/uploads``, ``/api/storage``), so that a client needs
nothing but ``fake.api_url``. Each request and each answer is held against GitHub's own OpenAPI document; at the end of the
block, what did not fit fails the test (``fake.violations``).

==================================  ====================================================================================
``fake.faults.next(operation, …)``  the next such call goes wrong: a status, before or after its effect, a cut, a stall,
                                    a rival's move (``before=``, ``then=``)
``fake.calls``                      what was asked: ``count("POST /repos/{o}/{r}/releases")``, ``operations``,
                                    ``charged``, ``with fake.calls.during() as calls``
``fake.clock.advance(301)``         the time that GitHub believes: signed links expire, allowances come back; ``stop()``
``fake.limits``                     ``exhaust(token)``; ``content_per_minute = 80`` limits the creation of content
``fake.settle()``                   what stalls goes on, and has had its effect afterwards
``token.revoke()``, ``fake.grant``  rights that change in mid-session; ``token.permissions``, ``scopes``, ``expires_at``
``fake.world``                      ``digests = False`` (an old Enterprise), ``redirects_downloads = False`` (bytes at once)
``fake.with_limits(listing=20)``    GitHub's limits, made small
``fake.events``                     `release` events so far; ``event.send(url, secret)`` delivers one, signed
``repository.releases``, ``.file``  what GitHub holds; ``fake.add_release``, ``fake.put_file`` change it as others would
``Hosts(storage="127.0.0.2")``      several hosts; ``fake.tokens_at_storage`` tells of tokens that went where none may
==================================  ====================================================================================

What it does is held to evidence: `evidence` asks it what others once asked the real GitHub; `recut` cuts the document again.
What it does not know: GraphQL, attestations, runs of workflows, git over HTTP, versions of the API other than 2022-11-28.
"""

from github_fake.fake import FakeGitHub, Hosts, names_resolved
from github_fake.tokens import Role, Token, TokenKind
from github_fake.webhooks import Event
from github_fake.world import Asset, Limits, Release, Repository

__all__ = [
    "Asset",
    "Event",
    "FakeGitHub",
    "Hosts",
    "Limits",
    "Release",
    "Repository",
    "Role",
    "Token",
    "TokenKind",
    "names_resolved",
]
