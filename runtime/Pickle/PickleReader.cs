using System.Globalization;
using System.Numerics;
using ChannelDistillation.Core;

namespace ChannelDistillation.Pickle;

/// <summary>
/// An interpreter for pickles (opcodes: Python's `pickletools`) without their dangerous parts: it knows only the classes and
/// functions on a list. What any other one would create becomes an inert placeholder. Nothing is looked up, imported or run.
/// It keeps no state on the call stack, so that deep nesting cannot overflow it.
/// </summary>
/// <param name="load">Creates the object for a persistent id: in checkpoints, a storage.</param>
/// <param name="classes">Allowed names; null: those of checkpoints.</param>
internal sealed class PickleReader(PickleInput input, Func<object?, object?> load, PickleClasses? classes = null)
{
    /// <summary>This many characters count as one value towards the limit.</summary>
    private const int LettersPerValue = 16;

    private readonly PickleStack stack = new();
    private readonly PickleClasses classes = classes ?? PickleClasses.OfCheckpoint;
    private readonly Dictionary<string, PickleClass> unlisted = [];

    /// <summary>The classes and functions that the pickle names and that are not on the list, in the order of their first use.</summary>
    public IReadOnlyCollection<string> Unlisted => unlisted.Keys;

    /// <summary>Reads one pickle and stops after it.</summary>
    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public object? Read()
    {
        for (int opcode = input.Byte(); opcode != '.'; opcode = input.Byte())
        {
            if (!Simple(opcode) && !Collection(opcode) && !Class(opcode))
                throw new InvalidDataException(
                    $"is damaged or was not written by PyTorch: its pickle has the opcode 0x{opcode:x2}, which torch.save does not write."
                );
        }
        return stack.Pop();
    }

    /// <summary>Opcodes that name a class or function, create an instance, or call.</summary>
    private bool Class(int opcode)
    {
        switch (opcode)
        {
            case 'c': // GLOBAL
                stack.Push(Find(input.Line(), input.Line()));
                break;
            case 0x93: // STACK_GLOBAL
                object?[] names = stack.PopMany(2);
                if (names is not [string module, string name])
                    throw PickleStack.Damaged();
                stack.Push(Find(module, name));
                break;
            case 'i': // INST
                PickleClass instance = Find(input.Line(), input.Line());
                stack.Push(Call(instance, stack.PopMark()));
                break;
            case 'o': // OBJ
                stack.Push(stack.PopMark() is [var made, .. var given] ? Call(made, given) : throw PickleStack.Damaged());
                break;
            case 'R': // REDUCE
            case 0x81: // NEWOBJ
                object?[] arguments = stack.Pop<object?[]>();
                stack.Push(Call(stack.Pop(), arguments));
                break;
            case 0x92: // NEWOBJ_EX: with named arguments, which nothing on the list has
                object? named = stack.Pop();
                object?[] positional = stack.Pop<object?[]>();
                object? called = stack.Pop();
                stack.Push(named is PickleDict { Entries.Count: 0 } ? Call(called, positional) : Placeholder(called));
                break;
            case 'b': // BUILD
                object? state = stack.Pop();
                Build(stack.Top, state);
                break;
            case 'Q': // BINPERSID
                stack.Push(load(stack.Pop()));
                break;
            case 0x82: // EXT1
            case 0x83: // EXT2
            case 0x84: // EXT4
                long code = opcode switch
                {
                    0x82 => input.Byte(),
                    0x83 => input.UInt16(),
                    _ => input.UInt32(),
                };
                stack.Push(Find("copyreg", $"extension {code}"));
                break;
            default:
                return false;
        }
        return true;
    }

    private PickleClass Find(string module, string name)
    {
        if (classes.Find(module, name) is PickleClass listed)
            return listed;
        string full = $"{module}.{name}";
        Note(full);
        return unlisted[full];
    }

    private void Note(string name)
    {
        if (!classes.AllowPlaceholders)
            throw PickleStack.Damaged();
        if (unlisted.Count == FileLimits.UnlistedClasses && !unlisted.ContainsKey(name))
            throw new InvalidDataException($"names more than {FileLimits.UnlistedClasses:N0} classes that are not read, which is the limit.");
        unlisted.TryAdd(name, new(name));
    }

    private object? Call(object? called, object?[] arguments)
    {
        foreach (object? argument in arguments)
            stack.Spend(CostOf(argument));
        return (called as PickleClass)?.Make?.Invoke(arguments) ?? Placeholder(called);
    }

    /// <summary>Stands for the result of a call that is not made.</summary>
    private PicklePlaceholder Placeholder(object? called)
    {
        string name = called switch
        {
            PickleClass known => known.Name,
            PicklePlaceholder placeholder => placeholder.Name,
            _ => throw PickleStack.Damaged(),
        };
        Note(name);
        return new(name);
    }

    /// <summary>Cost of copying an argument; without it, a short program could copy a long list or string many times.</summary>
    private static int CostOf(object? argument) =>
        argument switch
        {
            PickleList list => list.Items.Count,
            PickleDict dict => dict.Entries.Count,
            object?[] tuple => tuple.Length,
            string text => text.Length / LettersPerValue,
            _ => 0,
        };

    /// <summary>
    /// Sets attributes of the last object. None of them changes tensor data: an OrderedDict's `_metadata`, a Parameter's `requires_grad`;
    /// for numpy types they give the byte order.
    /// </summary>
    private static void Build(object? built, object? state)
    {
        if (built is PickledNumpyType type)
            type.SetState(state);
        else if (built is PickledArray array)
            array.SetState(state);
        else if (built is PicklePlaceholder placeholder)
            placeholder.State = state;
        else if (built is not (PickleDict or PickleList or PickledTensor or PickleClass))
            throw PickleStack.Damaged();
    }

    /// <summary>Longer integers are not counts, and slow to parse.</summary>
    private const int LongestInteger = 255;

    /// <summary>Numbers, strings, and stack operations.</summary>
    private bool Simple(int opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                input.Byte();
                break;
            case 0x95: // FRAME
                input.Int64();
                break;
            case 'N':
                stack.Push(null);
                break;
            case 0x88: // NEWTRUE
            case 0x89: // NEWFALSE
                stack.Push(opcode == 0x88);
                break;
            case 'J': // BININT
                stack.Push((long)input.Int32());
                break;
            case 'K': // BININT1
                stack.Push((long)input.Byte());
                break;
            case 'M': // BININT2
                stack.Push((long)input.UInt16());
                break;
            case 'I': // INT, or a bool of old protocols
                stack.Push(Digits(input.Line()));
                break;
            case 'L': // LONG
                stack.Push(Digits(input.Line().TrimEnd('L')));
                break;
            case 0x8a: // LONG1
                stack.Push(Integer(input.Byte()));
                break;
            case 0x8b: // LONG4
                stack.Push(Integer(input.Int32()));
                break;
            case 'F': // FLOAT
                stack.Push(double.TryParse(input.Line(), CultureInfo.InvariantCulture, out double number) ? number : throw PickleStack.Damaged());
                break;
            case 'G': // BINFLOAT
                stack.Push(input.BigEndianDouble());
                break;
            case 'X': // BINUNICODE
                stack.Push(input.Utf8(input.UInt32()));
                break;
            case 0x8c: // SHORT_BINUNICODE
                stack.Push(input.Utf8(input.Byte()));
                break;
            case 0x8d: // BINUNICODE8
                stack.Push(input.Utf8(input.Int64()));
                break;
            case 'T': // BINSTRING: Python 2's strings
                stack.Push(input.Latin1(input.UInt32()));
                break;
            case 'U': // SHORT_BINSTRING
                stack.Push(input.Latin1(input.Byte()));
                break;
            case 'B': // BINBYTES
                stack.Push(input.Bytes(input.UInt32()));
                break;
            case 'C': // SHORT_BINBYTES
                stack.Push(input.Bytes(input.Byte()));
                break;
            case 0x8e: // BINBYTES8
            case 0x96: // BYTEARRAY8
                stack.Push(input.Bytes(input.Int64()));
                break;
            case '(':
                stack.Mark();
                break;
            case '0': // POP
                stack.Drop();
                break;
            case '1': // POP_MARK
                stack.PopMark();
                break;
            case '2': // DUP
                stack.Push(stack.Top);
                break;
            case 'p': // PUT
                stack.Remember(Place(input.Line()));
                break;
            case 'q': // BINPUT
                stack.Remember(input.Byte());
                break;
            case 'r': // LONG_BINPUT
                stack.Remember(input.UInt32());
                break;
            case 0x94: // MEMOIZE
                stack.RememberNext();
                break;
            case 'g': // GET
                stack.Recall(Place(input.Line()));
                break;
            case 'h': // BINGET
                stack.Recall(input.Byte());
                break;
            case 'j': // LONG_BINGET
                stack.Recall(input.UInt32());
                break;
            default:
                return false;
        }
        return true;
    }

    private static long Place(string line) => long.TryParse(line, NumberStyles.None, null, out long place) ? place : throw PickleStack.Damaged();

    private object Integer(int length)
    {
        if (length is < 0 or > LongestInteger)
            throw PickleStack.Damaged();
        return Smallest(new BigInteger(input.Bytes(length)));
    }

    private static object Digits(string line) =>
        line switch
        {
            "00" => false,
            "01" => true,
            { Length: > 2 * LongestInteger } => throw PickleStack.Damaged(),
            _ when BigInteger.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number) => Smallest(number),
            _ => throw PickleStack.Damaged(),
        };

    private static object Smallest(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? (long)number : number;

    /// <summary>Tuples, lists, sets and dicts.</summary>
    private bool Collection(int opcode)
    {
        switch (opcode)
        {
            case ')': // EMPTY_TUPLE
                stack.Push(Array.Empty<object?>());
                break;
            case 't': // TUPLE
                stack.Push(stack.PopMark());
                break;
            case 0x85: // TUPLE1
            case 0x86: // TUPLE2
            case 0x87: // TUPLE3
                stack.Push(stack.PopMany(opcode - 0x84));
                break;
            case ']': // EMPTY_LIST
            case 0x8f: // EMPTY_SET
                stack.Push(new PickleList([]));
                break;
            case 'l': // LIST
            case 0x91: // FROZENSET
                stack.Push(new PickleList([.. stack.PopMark()]));
                break;
            case 'a': // APPEND
                Append([stack.Pop()]);
                break;
            case 'e': // APPENDS
            case 0x90: // ADDITEMS
                Append(stack.PopMark());
                break;
            case '}': // EMPTY_DICT
                stack.Push(new PickleDict([]));
                break;
            case 'd': // DICT
                stack.Push(new PickleDict([.. Pairs(stack.PopMark())]));
                break;
            case 's': // SETITEM
                Set(stack.PopMany(2));
                break;
            case 'u': // SETITEMS
                Set(stack.PopMark());
                break;
            default:
                return false;
        }
        return true;
    }

    private void Append(object?[] items)
    {
        if (stack.Top is PickleList list)
            list.Items.AddRange(items);
        // The items of a list of its own kind are not used.
        else if (stack.Top is not PicklePlaceholder)
            throw PickleStack.Damaged();
    }

    private void Set(object?[] pairs)
    {
        PickleDict? dict = stack.Top as PickleDict ?? (stack.Top as PicklePlaceholder)?.Entries;
        (dict ?? throw PickleStack.Damaged()).Entries.AddRange(Pairs(pairs));
    }

    private static IEnumerable<KeyValuePair<object?, object?>> Pairs(object?[] flat) =>
        flat.Length % 2 == 0 ? flat.Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1])) : throw PickleStack.Damaged();
}
