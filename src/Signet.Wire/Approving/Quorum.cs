using System.Text;

namespace Signet.Wire;

/// <summary>
/// Does a command carry the approvals its class needs? Judged on the device, against its manifest: every field of every approval must be the
/// command's, every signer must be one of the class's approvers, and people are counted, not keys. One approval that does not fit refuses the
/// command, however many others do: a center that sends such a thing is not to be believed.
/// </summary>
public static class Quorum
{
    /// <returns>False with <c>approval-missing</c> (too few people) or <c>approval-invalid</c>. True also for commands in no class.</returns>
    public static bool IsMet(CommandClaims command, ManifestClaims manifest, DateTimeOffset now, out Rejection rejection)
    {
        rejection = default;
        if (manifest.ClassOf(command.Command) is not { } quorum) return true;
        if (command.Proposal is null) return Refuse(RejectReason.ApprovalMissing, $"'{command.Command}' is of class {quorum.Name} and needs {quorum.Needed} approvals", out rejection);

        var people = new HashSet<string>(StringComparer.Ordinal);
        var arguments = CanonicalJson.Write(command.Arguments);
        // An approval is valid until its own end; its age is no matter.
        var expected = new Expectation { Keys = manifest.ApproverKeys, Topic = "", Now = now, MaximumAge = Expectation.AnyAge };
        foreach (var text in command.Approvals)
        {
            if (!ApprovalMessage.TryVerify(Encoding.UTF8.GetBytes(text), expected, out var verified, out var why)) return Refuse(RejectReason.ApprovalInvalid, why.ToString(), out rejection);
            var approval = verified.Claims;
            var wrong = approval.Proposal != command.Proposal ? "another proposal"
                : approval.Class != quorum.Name ? "another class"
                : approval.Command != command.Command ? "another command"
                : !approval.Devices.Contains(command.Audience, StringComparer.Ordinal) ? "other devices"
                : !CanonicalJson.Write(approval.Arguments).AsSpan().SequenceEqual(arguments) ? "other arguments"
                : null;
            if (wrong is not null) return Refuse(RejectReason.ApprovalInvalid, $"{approval.Issuer} approved {wrong}", out rejection);
            if (!quorum.Approvers.Contains(approval.Issuer, StringComparer.Ordinal)) return Refuse(RejectReason.ApprovalInvalid, $"{approval.Issuer} may not approve class {quorum.Name}", out rejection);
            if (approval.Issuer == approval.Requester && !quorum.RequesterCounts) return Refuse(RejectReason.ApprovalInvalid, $"{approval.Issuer} asked for it and does not count", out rejection);
            people.Add(approval.Issuer);
        }
        return people.Count >= quorum.Needed || Refuse(RejectReason.ApprovalMissing, $"{people.Count} of {quorum.Needed} people approved", out rejection);
    }

    private static bool Refuse(RejectReason reason, string detail, out Rejection rejection)
    {
        rejection = new(reason, detail);
        return false;
    }
}
