using System.Diagnostics;
using System.Globalization;

namespace Signet.House.Tests.Program;

/// <summary>One node of RabbitMQ, or several as a cluster whose queues are mirrored, behind nginx on one port.</summary>
public sealed class RabbitCluster(string folder) : IAsyncDisposable
{
    private readonly List<RealRabbit> _nodes = [];
    private readonly int _mapper = RealRabbit.FreePort();
    private Process? _nginx;

    public void Add(string files, int port) => _nodes.Add(new(files, $"n{_nodes.Count}", port, _mapper));

    public async Task StartAsync()
    {
        foreach (var node in _nodes) await node.StartAsync();
        if (_nodes.Count == 1) return;
        foreach (var node in _nodes.Skip(1))
        {
            await node.ControlAsync("stop_app");
            await node.ControlAsync("reset");
            await node.ControlAsync("join_cluster", "n0@localhost");
            await node.ControlAsync("start_app");
        }

        await _nodes[0].ControlAsync("set_policy", "--apply-to", "queues", "mqtt", "^mqtt-", """{"ha-mode":"all","ha-sync-mode":"automatic","ha-promote-on-failure":"always"}""");
        var port = RealRabbit.FreePort();
        var conf = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(conf, $$"""
            load_module /usr/lib/nginx/modules/ngx_stream_module.so;
            pid {{folder}}/nginx.pid;
            error_log stderr crit;
            events {}
            stream {
                upstream nodes { {{string.Join(' ', _nodes.Select(n => $"server 127.0.0.1:{n.Port.ToString(CultureInfo.InvariantCulture)} max_fails=1 fail_timeout=2s;"))}} }
                server { listen 127.0.0.1:{{port.ToString(CultureInfo.InvariantCulture)}}; proxy_pass nodes; proxy_connect_timeout 1s; }
            }
            """);
        var settings = Path.Combine(folder, "rabbit", "signet.json");
        await File.WriteAllTextAsync(settings, (await File.ReadAllTextAsync(settings)).Replace($"localhost:{_nodes[0].Port.ToString(CultureInfo.InvariantCulture)}", $"localhost:{port.ToString(CultureInfo.InvariantCulture)}", StringComparison.Ordinal));
        _nginx = Peer.Begin("/usr/sbin/nginx", ["-c", conf, "-g", "daemon off;"]);
        _ = _nginx.StandardError.ReadToEndAsync();
    }

    /// <summary>kill -9 of the last node. The only one is started again at once; of a cluster it stays dead.</summary>
    public async Task KillOneAsync()
    {
        await _nodes[^1].KillAsync();
        if (_nodes.Count == 1) await _nodes[0].StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_nginx is not null)
        {
            _nginx.Kill(entireProcessTree: true); // the master alone would leave its workers
            await _nginx.WaitForExitAsync();
        }

        foreach (var node in _nodes) await node.DisposeAsync();
        RealRabbit.EndMapper(_mapper);
    }
}
