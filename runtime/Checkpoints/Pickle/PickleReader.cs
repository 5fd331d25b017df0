namespace ChannelDistillation.Checkpoints.Pickle;

/// <summary>
/// The machine that pickles are programs for (opcodes: Python's `pickletools`), without what makes it dangerous: of the classes and
/// functions that a program asks for, it knows those on a list and refuses every other by its name. Nothing is
/// looked up, imported or run. It keeps no state on the call stack, so that no nesting can overflow it.
/// </summary>
/// <param name="load">What stands for a persistent id: in checkpoints, a storage.</param>
/// <param name="classes">What it may ask for; null: what a checkpoint may.</param>
internal sealed partial class PickleReader(PickleInput input, Func<object?, object?> load, PickleClasses? classes = null)
{
    /// <summary>So many letters take as much room as a value does.</summary>
    private const int LettersPerValue = 16;

    private readonly PickleStack stack = new();
    private readonly PickleClasses classes = classes ?? PickleClasses.OfCheckpoint;

    /// <summary>Reads one pickle and stops behind it.</summary>
    /// <exception cref="InvalidDataException">The message goes on a sentence that begins with the file's name.</exception>
    public object? Read()
    {
        for (int opcode = input.Byte(); opcode != '.'; opcode = input.Byte())
        {
            if (!Simple(opcode) && !Collection(opcode) && !Class(opcode))
                throw new InvalidDataException(
                    $"is damaged, or made by something other than PyTorch: its pickle has the opcode 0x{opcode:x2}, which torch.save does not write."
                );
        }
        return stack.Pop();
    }

    /// <summary>Everything that names a class or function, makes an instance or calls.</summary>
    private bool Class(int opcode)
    {
        switch (opcode)
        {
            case 'c': // GLOBAL
                stack.Push(classes.Find(input.Line(), input.Line()));
                break;
            case 0x93: // STACK_GLOBAL
                object?[] names = stack.PopMany(2);
                if (names is not [string module, string name])
                    throw PickleStack.Damaged();
                stack.Push(classes.Find(module, name));
                break;
            case 'i': // INST
                PickleClass instance = classes.Find(input.Line(), input.Line());
                stack.Push(Call(instance, stack.PopMark()));
                break;
            case 'o': // OBJ
                stack.Push(stack.PopMark() is [PickleClass made, .. var given] ? Call(made, given) : throw PickleStack.Damaged());
                break;
            case 'R': // REDUCE
            case 0x81: // NEWOBJ
                object?[] arguments = stack.Pop<object?[]>();
                stack.Push(Call(stack.Pop<PickleClass>(), arguments));
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
                throw PickleClasses.Refusal($"extension {code} of copyreg");
            default:
                return false;
        }
        return true;
    }

    private object? Call(PickleClass called, object?[] arguments)
    {
        foreach (object? argument in arguments)
            stack.Spend(CostOf(argument));
        return (called.Make ?? throw PickleClasses.Refusal($"a call of {called.Name}"))(arguments);
    }

    /// <summary>What a copy costs; without this a short program could copy a long list or word again and again.</summary>
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
    /// Attributes of what was just made. None of them changes numbers: an OrderedDict's `_metadata`, a Parameter's `requires_grad`;
    /// of numpy's types they say the order of bytes.
    /// </summary>
    private static void Build(object? built, object? state)
    {
        if (built is PickledNumpyType)
            NumpyNumbers.CheckState(state);
        else if (built is PickledArray array)
            array.SetState(state);
        else if (built is not (PickleDict or PickledTensor))
            throw PickleClasses.Refusal($"a new state for a {PickleValues.KindOf(built)}");
    }
}
