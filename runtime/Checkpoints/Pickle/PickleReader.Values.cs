using System.Globalization;
using System.Numerics;

namespace ChannelDistillation.Checkpoints.Pickle;

internal sealed partial class PickleReader
{
    /// <summary>Longer integers are no counts of anything, and slow to read.</summary>
    private const int LongestInteger = 255;

    /// <summary>Numbers, words, and the stack itself.</summary>
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
            case 'T': // BINSTRING: Python 2's words
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
}
