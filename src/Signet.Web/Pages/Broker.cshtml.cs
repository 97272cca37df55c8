using Microsoft.AspNetCore.Mvc;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewBroker), WithinGroups]
public sealed class BrokerModel(CommandCenter center) : ConsolePage(center)
{
    public BrokerTotals Totals { get; private set; } = null!;
    public IReadOnlyList<BrokerSession> Sessions { get; private set; } = [];
    public IReadOnlyList<Denial> Denials { get; private set; } = [];
    public Refusal? Refusal { get; private set; }
    public KickResult? Kicked { get; private set; }

    public void OnGet() => Load();

    [Requires(Act.KickSession)]
    public async Task OnPostKickAsync([FromForm] string identity, [FromForm] string client, CancellationToken stop)
    {
        var outcome = await Center.Broker.KickAsync(identity ?? "", client, HttpContext.Actor(), stop);
        if (outcome.TryGet(out var result, out var refusal)) Kicked = result;
        else Refusal = refusal;
        Load();
    }

    private void Load()
    {
        Live("broker,device");
        (Totals, Sessions, Denials) = (Sight.Totals(), Sight.Sessions(), Sight.Denials());
    }
}
