using System.Buffers.Binary;
using System.Text;

namespace ChannelDistillation.Pickle;

/// <summary>
/// Writes a pickle of protocol 2 with the few instructions that a state_dict needs; PyTorch's `weights_only` reader accepts all of them.
/// Methods push one value each, except where they say otherwise.
/// </summary>
internal sealed class PickleWriter
{
    private readonly MemoryStream bytes = new();

    public PickleWriter() => bytes.Write([0x80, 2]);

    /// <summary>Ends the pickle; its value is on top.</summary>
    public byte[] End()
    {
        Write('.');
        return bytes.ToArray();
    }

    public void Text(string value)
    {
        byte[] text = Encoding.UTF8.GetBytes(value);
        Write('X');
        Write32(text.Length);
        bytes.Write(text);
    }

    public void Whole(long value)
    {
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            Write('J');
            Write32((int)value);
            return;
        }
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        bytes.Write([0x8a, 8]);
        bytes.Write(number);
    }

    public void False() => bytes.WriteByte(0x89);

    /// <summary>A class or function by its module and name.</summary>
    public void Global(string module, string name) => bytes.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    /// <param name="items">Pushes the items.</param>
    public void Tuple(Action items)
    {
        Write('(');
        items();
        Write('t');
    }

    public void Tuple(IEnumerable<long> items) =>
        Tuple(() =>
        {
            foreach (long item in items)
                Whole(item);
        });

    /// <param name="arguments">Pushes the arguments.</param>
    public void Call(string module, string name, Action arguments)
    {
        Global(module, name);
        Tuple(arguments);
        Write('R');
    }

    /// <summary>Replaces the tuple on top by what the reader makes of it: a tensor's storage.</summary>
    public void Persistent() => Write('Q');

    /// <summary>Adds entries to the dict on top.</summary>
    /// <param name="entries">Pushes keys and values in turn.</param>
    public void SetItems(Action entries)
    {
        Write('(');
        entries();
        Write('u');
    }

    private void Write(char instruction) => bytes.WriteByte((byte)instruction);

    private void Write32(int value)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, value);
        bytes.Write(number);
    }
}
