using System.Data.Common;

namespace Signet.Audit;

/// <summary>One transaction that changes the search index; taken back when it is disposed without a commit.</summary>
internal sealed class SearchWriting : IDisposable
{
    private readonly DbConnection _connection;
    private readonly DbCommand _span, _text, _member;
    private bool _isOpen;

    public SearchWriting(DbConnection connection, string begin)
    {
        _connection = connection;
        _span = connection.Command("INSERT INTO spans(stretch, earliest, latest) VALUES (@stretch, @earliest, @latest)", "@stretch", "@earliest", "@latest");
        _text = connection.Command("INSERT INTO texts(stretch, grams) VALUES (@stretch, @grams)", "@stretch", "@grams");
        _member = connection.Command("INSERT INTO members(token, stretch, parts) VALUES (@token, @stretch, @parts)", "@token", "@stretch", "@parts");
        Run(begin);
        _isOpen = true;
    }

    public void Add(long stretch, SearchTokens tokens)
    {
        if (tokens.Members.Count == 0) return;
        (_span.Parameters[0].Value, _span.Parameters[1].Value, _span.Parameters[2].Value) = (stretch, tokens.Earliest, tokens.Latest);
        _span.ExecuteNonQuery();
        (_text.Parameters[0].Value, _text.Parameters[1].Value) = (stretch, tokens.Grams);
        _text.ExecuteNonQuery();
        foreach (var (token, parts) in tokens.Members)
        {
            (_member.Parameters[0].Value, _member.Parameters[1].Value, _member.Parameters[2].Value) = (token, stretch, (long)parts);
            _member.ExecuteNonQuery();
        }
    }

    /// <summary>Turns the texts of a whole block round: <see cref="TextSlices"/>.</summary>
    public void Slice(long block)
    {
        var first = block * TextSlices.Block;
        var slices = new TextSlices();
        using (var read = _connection.Command("SELECT stretch, grams FROM texts WHERE stretch >= @first AND stretch < @behind").With("@first", first).With("@behind", first + TextSlices.Block))
        {
            using var reader = read.ExecuteReader();
            while (reader.Read()) slices.Add((int)(reader.GetInt64(0) - first), reader.Bytes(1));
        }

        using (var insert = _connection.Command("INSERT INTO slices(block, part, bits) VALUES (@block, @part, @bits)", "@block", "@part", "@bits"))
            for (var part = 0; part < TextSlices.Parts; part++)
            {
                (insert.Parameters[0].Value, insert.Parameters[1].Value, insert.Parameters[2].Value) = (block, (long)part, slices.Part(part).ToArray());
                insert.ExecuteNonQuery();
            }

        using var delete = _connection.Command("DELETE FROM texts WHERE stretch >= @first AND stretch < @behind").With("@first", first).With("@behind", first + TextSlices.Block);
        delete.ExecuteNonQuery();
    }

    /// <summary>Ends what <see cref="Slice"/> did.</summary>
    public void Commit() => End();

    public void Commit(long stretches, byte[] mac)
    {
        using var state = _connection.Command("UPDATE state SET stretches = @stretches, mac = @mac").With("@stretches", stretches).With("@mac", mac);
        state.ExecuteNonQuery();
        End();
    }

    public void Forget(long below)
    {
        using (var slices = _connection.Command("DELETE FROM slices WHERE block < @block").With("@block", below / TextSlices.Block)) slices.ExecuteNonQuery();
        foreach (var sql in new[] { "DELETE FROM spans WHERE stretch < @below", "DELETE FROM texts WHERE stretch < @below", "DELETE FROM members WHERE stretch < @below" })
        {
            using var delete = _connection.Command(sql).With("@below", below);
            delete.ExecuteNonQuery();
        }
        End();
    }

    public void Dispose()
    {
        if (_isOpen) Run("ROLLBACK");
        _span.Dispose();
        _text.Dispose();
        _member.Dispose();
    }

    private void End()
    {
        Run("COMMIT");
        _isOpen = false;
    }

    private void Run(string sql)
    {
        using var command = _connection.Command(sql);
        command.ExecuteNonQuery();
    }
}
