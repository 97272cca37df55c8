using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

public sealed partial class Commands
{
    /// <summary>Proposals that commands wait for, oldest first.</summary>
    public Task<IReadOnlyList<Proposal>> OpenProposalsAsync(CancellationToken cancellationToken = default) => Task.Run(() => _proposals.Open(ControlLimits.CommandsPerPage), cancellationToken);

    /// <summary>What a command or a rollout is waiting for, or one proposal by its own id.</summary>
    public Task<IReadOnlyList<Proposal>> ProposalsOfAsync(string id, CancellationToken cancellationToken = default) => Task.Run(() => _proposals.Of(id), cancellationToken);

    /// <summary>
    /// Takes one person's signed approval. The person is who signed, not who sent it here. It is judged as the device will judge it; when enough have approved, the commands go on.
    /// </summary>
    /// <param name="approval">Compact JWS, as <c>signet command approve</c> makes it.</param>
    public async Task<Outcome<Proposal>> ApproveAsync(string proposalId, string approval, Actor actor, CancellationToken cancellationToken = default)
    {
        var decision = RoleTable.Decide(actor.Role, Act.ApproveCommand);
        if (!decision.Allowed) return new Refusal(RefusalCode.NotAllowed, $"{actor.Name} is {Words.Of(actor.Role)} and may not hand in approvals");
        // Who is limited to groups agrees to what is done to their devices, and hears of nothing else.
        if (_proposals.Find(proposalId) is not { } proposal || (actor.Groups.Count > 0 && !proposal.Devices.All(device => Sight.IsWithin(_roster, actor.Groups, device)))) return new Refusal(RefusalCode.NotFound, $"there is no proposal '{AuthorizedCommand.Shown(proposalId)}'");
        using var turn = await _keyed.TakeAsync(cancellationToken);
        try
        {
            return await TakeApprovalAsync(proposal, approval.Trim(), actor, cancellationToken);
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    private async Task<Outcome<Proposal>> TakeApprovalAsync(Proposal proposal, string approval, Actor actor, CancellationToken cancellationToken)
    {
        if (_manifests.Newest(proposal.Devices[0])?.Claims is not { } manifest || manifest.ClassOf(proposal.Command)?.Name != proposal.Class)
            return new Refusal(RefusalCode.Conflict, $"{proposal.Devices[0]} has another manifest now, without class {proposal.Class}; ask for the command anew");
        var earlier = _proposals.Approvals(proposal.Id);
        var isMet = IsMet(proposal, manifest, [.. earlier, approval], out var rejection);
        if (!isMet && rejection.Reason != RejectReason.ApprovalMissing)
        {
            var refusal = new Refusal(RefusalCode.ApprovalInvalid, rejection.Detail);
            await _trail.RefuseAsync(actor, proposal.Id, "command-approved", refusal, RejectReasons.Of(rejection.Reason).Name, cancellationToken);
            return refusal;
        }

        var person = PersonOf(approval);
        var entry = await _trail.TryAppendAsync(new(AuditTypes.Command, person, proposal.Id, "command-approved", "success", "", new JsonObject
        {
            ["command"] = proposal.Command, ["class"] = proposal.Class, ["devices"] = string.Join(' ', proposal.Devices), ["handedInBy"] = actor.Name, ["approval"] = Thumbprint.OfBytes(Encoding.ASCII.GetBytes(approval)),
        }), cancellationToken);
        if (!entry.TryGet(out _, out var unwritten)) return unwritten;
        foreach (var view in await _proposals.ApproveAsync(proposal.Id, person, approval, isMet, _time.GetUtcNow(), cancellationToken)) _news.Announce(view);
        return _proposals.Find(proposal.Id)!;
    }

    // As the device will: with a command made of the proposal's own fields.
    private bool IsMet(Proposal proposal, ManifestClaims manifest, IReadOnlyList<string> approvals, out Rejection rejection) => Quorum.IsMet(new()
    {
        Issuer = Actor.Center.Name, Audience = proposal.Devices[0], Id = proposal.Id, IssuedAt = _time.GetUtcNow(), ExpiresAt = _time.GetUtcNow().AddSeconds(1), Epoch = 1, Sequence = 1, Topic = Topics.Command(proposal.Devices[0]),
        Command = proposal.Command, Arguments = proposal.Arguments, OriginatorName = proposal.Requester, OriginatorRole = "operator", Proposal = proposal.Id, Approvals = approvals,
    }, manifest, _time.GetUtcNow(), out rejection);

    // Verified a moment ago.
    private static string PersonOf(string approval)
        => JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(approval.Split('.')[1]))!["iss"]!.GetValue<string>();

    /// <summary>Puts what needs approvals under proposals: one for each class and at most so many devices as an approval may name.</summary>
    private IReadOnlyList<(Proposal Proposal, IReadOnlyList<AuthorizedCommand> Commands)> Propose(IEnumerable<AuthorizedCommand> commands, DateTimeOffset now, DateTimeOffset until) =>
    [
        .. from one in commands
            let quorum = ClassOf(one)
            where quorum is not null
            group (one, quorum) by (quorum.Name, quorum.Needed) into ofClass
            from chunk in ofClass.OrderBy(c => c.one.Device, StringComparer.Ordinal).Chunk(WireLimits.ProposalDevices)
            select (new Proposal(
                _signer.NewId(), ofClass.Key.Name, [.. chunk.Select(c => c.one.Device)], chunk[0].one.Command, chunk[0].one.Arguments, chunk[0].one.Actor.Name, ofClass.Key.Needed,
                until - now > WireLimits.ProposalLifetime ? now + WireLimits.ProposalLifetime - TimeSpan.FromSeconds(60) : until, now, []),
                (IReadOnlyList<AuthorizedCommand>)[.. chunk.Select(c => c.one)]),
    ];

    private bool NeedsApproval(string device, string command) => _manifests.Newest(device)?.Claims.ClassOf(command) is not null;

    private QuorumClass? ClassOf(AuthorizedCommand command) => _manifests.Newest(command.Device)?.Claims.ClassOf(command.Command);
}
