using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>What people are asked to approve. Each signs exactly these devices, command and arguments, with a key of their own.</summary>
/// <param name="Class">The quorum class of the devices' manifests.</param>
/// <param name="Requester">Who asked; counts as approver only where the class says so.</param>
/// <param name="Needed">Distinct people.</param>
/// <param name="NotAfter">An approval ends then.</param>
/// <param name="Approved">Who has approved, by name.</param>
public sealed record Proposal(
    string Id, string Class, IReadOnlyList<string> Devices, string Command, JsonObject Arguments, string Requester, int Needed, DateTimeOffset NotAfter, DateTimeOffset Created, IReadOnlyList<string> Approved)
{
    public bool IsMet => Approved.Count >= Needed;
}
