namespace Signet.Control;

public sealed partial class CommandCenter
{
    private async Task<BrokerPolicy> StartBrokerAsync(CancellationToken cancellationToken)
    {
        var policy = new BrokerPolicy(Judge, _roster, Accounts.FindByName, _askers, TotpLogin, _traffic, () => Policy);
        var host = await Clearly.DoAsync(() => BrokerHost.StartAsync(Options, Installation.BrokerDirectory, policy, _watch, Judge, ServerCertificates, _time, _loggers, cancellationToken));
        _closing.Push(host.DisposeAsync);
        _host = host;
        _sessions.Attach(host.Broker);
        Broker.Attach(host.Broker);
        Log.Listening(_logger, host.EndPoint);
        if (Options.OpenPasswordListener || TotpAccounts.Any) host.OpenPasswordListener();
        TotpAccounts.Needed += () => { host.OpenPasswordListener(); return Task.CompletedTask; };
        return policy;
    }

    private async Task StartOtherBrokerAsync(CancellationToken cancellationToken)
    {
        var admitted = new Admitted(_roster, _askers, Authority, _time);
        IEnforcer enforcer = Options.OtherBroker!.Kind == BrokerKind.RabbitMq
            ? new RabbitEnforcer(Options.OtherBroker, ForeignBrokers, () => Policy, admitted, Judge, _time)
            : new MosquittoEnforcer(Options, Installation.Directory, Installation.PkiDirectory, () => Policy, admitted, Authority, _trail, _time, _logger);
        _closing.Push(enforcer.DisposeAsync);
        _other = enforcer;
        _roster.SessionsAreUnseen = true;
        await Clearly.DoAsync(async () =>
        {
            await enforcer.StartAsync(cancellationToken);
            return true;
        });
        _desk = new(enforcer, _roster, _trail, _logger);
        _sessions.Attach(_desk);
    }
}
