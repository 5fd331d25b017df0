namespace ChannelDistillation.Checkpoints.Pickle;

internal sealed partial class PickleReader
{
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
                object? item = stack.Pop();
                Top<PickleList>().Items.Add(item);
                break;
            case 'e': // APPENDS
            case 0x90: // ADDITEMS
                object?[] items = stack.PopMark();
                Top<PickleList>().Items.AddRange(items);
                break;
            case '}': // EMPTY_DICT
                stack.Push(new PickleDict([]));
                break;
            case 'd': // DICT
                stack.Push(new PickleDict([.. Pairs(stack.PopMark())]));
                break;
            case 's': // SETITEM
                object?[] pair = stack.PopMany(2);
                Top<PickleDict>().Entries.AddRange(Pairs(pair));
                break;
            case 'u': // SETITEMS
                object?[] pairs = stack.PopMark();
                Top<PickleDict>().Entries.AddRange(Pairs(pairs));
                break;
            default:
                return false;
        }
        return true;
    }

    private T Top<T>()
        where T : class => stack.Top as T ?? throw PickleStack.Damaged();

    private static IEnumerable<KeyValuePair<object?, object?>> Pairs(object?[] flat) =>
        flat.Length % 2 == 0 ? flat.Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1])) : throw PickleStack.Damaged();
}
