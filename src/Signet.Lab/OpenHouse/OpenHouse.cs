using System.Net;
using System.Security.Cryptography;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;

namespace Signet.Lab;

/// <summary>The paper's insecure house on a free loopback port: open plaintext broker, sensor, actuator. Gone when it is disposed.</summary>
public sealed class OpenHouse : IAsyncDisposable
{
    private readonly MqttBroker _broker;
    private readonly MqttListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly TimeProvider _time;
    private MqttClient _actuatorClient = null!;
    private bool _gone;

    private OpenHouse(LabLogs logs, TimeProvider time, RandomNumberGenerator random)
    {
        _time = time;
        Logs = logs;
        _broker = new MqttBroker(new BrokerOptions { SysInterval = TimeSpan.FromSeconds(1) }, new OpenPolicy(), time);
        _listener = MqttListener.Start(_broker, new() { EndPoint = new(IPAddress.Loopback, 0), Name = "open" });
        Sensor = new(logs[PaperNames.OpenSensor], time, random);
        Actuator = new(logs[PaperNames.OpenActuator]);
    }

    public LabLogs Logs { get; }
    public IPEndPoint EndPoint => _listener.EndPoint;
    public BrokerCounters Counters => _broker.Counters;
    public OpenSensor Sensor { get; }
    public OpenActuator Actuator { get; }

    /// <param name="sensorEvery">Null: the sensor does not run by itself.</param>
    public static async Task<OpenHouse> StartAsync(LabLogs logs, TimeProvider time, RandomNumberGenerator random, TimeSpan? sensorEvery, CancellationToken cancellationToken)
    {
        var house = new OpenHouse(logs, time, random);
        try
        {
            await house.StartActuatorAsync(cancellationToken);
            if (sensorEvery is { } every) house._running.Add(house.Sensor.RunAsync(house.EndPoint.Address.ToString(), house.EndPoint.Port, every, house._stop.Token));
            return house;
        }
        catch
        {
            await house.DisposeAsync();
            throw;
        }
    }

    public static MqttClientOptions ClientOptions(string host, int port, string clientId) => new() { Host = host, Port = port, ClientId = clientId, Reconnect = null, Version = MqttVersion.V5 };

    /// <summary>A client like any other: nobody is asked who he is.</summary>
    public Task<MqttClient> ConnectAsync(string clientId, CancellationToken cancellationToken, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var options = ClientOptions(EndPoint.Address.ToString(), EndPoint.Port, clientId);
        return MqttClient.ConnectAsync(change is null ? options : change(options), cancellationToken);
    }

    /// <summary>Publishes hostile bytes as a stranger and tells whether the actuator acted on them.</summary>
    public async Task<bool> InjectAsync(MqttClient stranger, byte[] payload, CancellationToken cancellationToken)
    {
        var acted = Actuator.WhenActsOn(payload);
        await stranger.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = payload }, cancellationToken);
        return await Task.WhenAny(acted, Task.Delay(LabLimits.Settle, _time, cancellationToken)) == acted;
    }

    /// <summary>Switches the actuator off and on.</summary>
    public async Task RestartActuatorAsync(CancellationToken cancellationToken)
    {
        await _actuatorClient.DisposeAsync();
        await StartActuatorAsync(cancellationToken);
    }

    private async Task StartActuatorAsync(CancellationToken cancellationToken)
    {
        var log = Logs[PaperNames.OpenActuator];
        log.Info("Starting insecure actuator", new() { ["broker"] = EndPoint.Address.ToString() });
        var client = _actuatorClient = await ConnectAsync(PaperNames.OpenActuator, cancellationToken);
        await client.SubscribeAsync([new(PaperNames.OpenTopic, QoS.AtMostOnce)], cancellationToken: cancellationToken);
        log.Info("Subscribed to insecure topic", new() { ["topic"] = PaperNames.OpenTopic });
        _running.Add(Task.Run(async () =>
        {
            try
            {
                await foreach (var message in client.ReadMessagesAsync(_stop.Token)) Actuator.Receive(message.Payload);
            }
            catch (OperationCanceledException)
            {
                // the house is closing
            }
        }, CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        if (_gone) return;
        _gone = true;
        await _stop.CancelAsync();
        if (_actuatorClient is not null) await _actuatorClient.DisposeAsync();
        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
        _stop.Dispose();
    }
}
