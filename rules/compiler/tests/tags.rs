//! Points from tag exports, as each of the shipped maps reads them.

use tagout_compiler::{Compiled, FileKind, SourceFile, compile, render};
use tagout_engine::{PointId, Policy};

fn compiled(map: &str, more: &str, csv: &str) -> (Compiled, Vec<SourceFile>) {
    let policy = format!("[devices.plc]\nip = \"10.0.0.1\"\ntags = {{ file = \"tags.csv\", map = \"{map}\"{more} }}\n");
    let tags = SourceFile { name: "site/tags.csv".into(), text: csv.into(), kind: FileKind::Tags };
    let files = vec![SourceFile::new("site/plant.toml", policy), tags];
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    (compiled, files)
}

/// Each point as `line name space address type words/bytes scale offset unit range`, with what is usual left out.
fn points(compiled: &Compiled) -> Vec<String> {
    let policy = Policy::load(&compiled.image).expect("a good image");
    (0..).map_while(|id| policy.point_info(PointId(id))).map(|point| told(&point)).collect()
}

fn told(point: &tagout_engine::PointInfo<'_>) -> String {
    let mut words = vec![
        format!("{}:{}", point.source.file, point.source.line),
        point.name.to_owned(),
        format!("{} {}", point.space.name(), point.address),
        point.encoding.kind.name().to_owned(),
    ];
    words.extend(point.encoding.low_word_first.then(|| "low-first".to_owned()));
    words.extend(point.encoding.swap_bytes.then(|| "swapped".to_owned()));
    let (scale, offset) = (point.scale(), point.offset());
    words.extend((scale != 1.0 || offset != 0.0).then(|| format!("×{scale}{offset:+}")));
    words.extend(point.unit.map(str::to_owned));
    let end = |end: Option<f64>| end.map_or(String::new(), |end| end.to_string());
    words.extend(point.range.map(|range| format!("{}..{}", end(range.min), end(range.max))));
    words.join(" ")
}

#[track_caller]
fn reads(map: &str, csv: &str, expected: &[&str]) -> String {
    let (compiled, files) = compiled(map, "", csv);
    assert_eq!(points(&compiled), expected);
    render(&compiled.warnings, &files, false)
}

#[test]
fn kepware() {
    let csv = "\
; KEPServerEX
Tag Name,Address,Data Type,Respect Data Type,Client Access,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High,Scaled Data Type,Clamp Low,Clamp High,Eng Units,Description,Negate Value
\"Pumps.P1 Speed\",400011,Word,1,R/W,100,Linear,0,1000,0,100,Float,1,1,%,\"Speed, set\",0
\"Level\",300001,Float,1,RO,100,,,,,,,,,m,\"Sump\",
\"Flow\",30007,Short,1,RO,100,Linear,0,32000,-10,310,Double,0,0,m3/h,,
\"Run\",000004,Boolean,1,R/W,100,,,,,,,,,,\"\",
\"Open\",100017,Boolean,1,RO,100,,,,,,,,,,\"\",
\"Hex\",H4000B,Word,1,RO,100,,,,,,,,,,\"\",
\"Alarm 3\",400012.3,Boolean,1,RO,100,,,,,,,,,,\"\",
\"Block\",400100 [10],Word,1,RO,100,,,,,,,,,,\"\",
\"Label\",400200,String,1,RO,100,,,,,,,,,,\"\",
";
    let warning = reads(
        "kepware",
        csv,
        &[
            "site/tags.csv:6 Run coil 3 native",
            "site/tags.csv:7 Open discrete-input 16 native",
            "site/tags.csv:3 Pumps.P1 Speed holding-register 10 u16 ×0.1+0 % 0..100",
            "site/tags.csv:8 Hex holding-register 10 u16",
            "site/tags.csv:4 Level input-register 0 f32 low-first m",
            "site/tags.csv:5 Flow input-register 6 i16 ×0.01-10 m3/h",
        ],
    );
    assert!(warning.contains("3 of 9 tags are left out"), "{warning}");
    assert!(warning.contains("a bit of a register") && warning.contains("an array"), "{warning}");
}

#[test]
fn ignition() {
    let csv = "\
Path,Name,Owner,TagType,DataType,Value,Enabled,AccessRights,OPCServer,OPCItemPath,ScaleMode,RawLow,RawHigh,ScaledLow,ScaledHigh,EngUnit,EngLow,EngHigh,EngLimitMode
# version=1
,Pumps,,6,,,,,,,,,,,,,,,
Pumps/,Speed,,0,1,,TRUE,Read_Write,Ignition OPC-UA Server,[plc1]HR11,1,0,1000,0,100,%,0,100,3
Pumps/,Level,,0,4,,TRUE,Read_Only,Ignition OPC-UA Server,ns=1;s=[plc1]7.IRF1,0,0,10,0,10,m,0,100,0
,Total,,0,3,,TRUE,Read_Only,Ignition OPC-UA Server,[plc1]HRUI_64100,,,,,,,,,
,Run,,0,6,,TRUE,Read_Write,Ignition OPC-UA Server,[plc1]C4,,,,,,,,,
,Fault,,0,6,,TRUE,Read_Write,Ignition OPC-UA Server,[plc1]HR20.3,,,,,,,,,
,Memory,,1,2,5,TRUE,Read_Write,,,,,,,,,,,
";
    let warning = reads(
        "ignition",
        csv,
        &[
            "site/tags.csv:7 Run coil 3 native",
            "site/tags.csv:4 Pumps/Speed holding-register 10 i16 ×0.1+0 % 0..100",
            "site/tags.csv:6 Total holding-register 99 u64",
            "site/tags.csv:5 Pumps/Level input-register 0 f32 m",
        ],
    );
    assert!(warning.contains("1 of 5 tags are left out"), "{warning}");
}

#[test]
fn tia() {
    let csv = "\
Name,Path,Data Type,Logical Address,Comment,Hmi Visible,Hmi Accessible,Hmi Writeable,Typeobject ID,Version ID
Pump_Start,Default tag table,Bool,%Q0.3,,True,True,True,,
Door,Default tag table,Bool,%I1.2,,True,True,True,,
Level_Raw,Default tag table,Int,%IW64,,True,True,True,,
Speed,Default tag table,Real,%MD100,,True,True,True,,
Count,Default tag table,UInt,%MW14,,True,True,True,,
Clock,Default tag table,Bool,%M12.0,,True,True,True,,
Odd,Default tag table,Int,%MW15,,True,True,True,,
Out,Default tag table,Int,%QW80,,True,True,True,,
";
    let warning = reads(
        "tia",
        csv,
        &[
            "site/tags.csv:2 Pump_Start coil 3 native",
            "site/tags.csv:3 Door discrete-input 10 native",
            "site/tags.csv:6 Count holding-register 7 u16",
            "site/tags.csv:5 Speed holding-register 50 f32",
            "site/tags.csv:4 Level_Raw input-register 32 i16",
        ],
    );
    assert!(warning.contains("3 of 8 tags are left out"), "{warning}");
}

#[test]
fn control_expert() {
    let csv = "Name;Type;Address;Comment\nSpeed;INT;%MW10;\nFlow;REAL;%MW12;\nRun;EBOOL;%M3;\nBit;BOOL;%MW14.2;\nMotor;BOOL;%Q0.2.1;\nLocal;INT;;\n";
    let warning = reads(
        "control-expert",
        csv,
        &[
            "site/tags.csv:4 Run coil 3 native",
            "site/tags.csv:2 Speed holding-register 10 i16",
            "site/tags.csv:3 Flow holding-register 12 f32 low-first",
        ],
    );
    assert!(warning.contains("3 of 6 tags are left out") && warning.contains("it has no address"), "{warning}");
}

#[test]
fn plain_lists() {
    let references = "\
Name,Address,Type,Order,Unit,Scale,Offset,Low,High
a,40011,,,bar,0.1,-5,0,100
b,400012,float,CDAB,,,,,
c,4x14,DWORD,BADC,,,,,
d,00001,,,,,,,
e,3x1,int16,BA,,,,,
";
    let expected = [
        "site/tags.csv:5 d coil 0 native",
        "site/tags.csv:2 a holding-register 10 u16 ×0.1-5 bar 0..100",
        "site/tags.csv:3 b holding-register 11 f32 low-first",
        "site/tags.csv:4 c holding-register 13 u32 swapped",
        "site/tags.csv:6 e input-register 0 i16 swapped",
    ];
    assert_eq!(reads("references", references, &expected), "");
    let wire = "Name,Table,Address\na,Holding Registers,10\nb,coil,0x1F\nc,3x,65535\n";
    let expected = [
        "site/tags.csv:3 b coil 31 native",
        "site/tags.csv:2 a holding-register 10 u16",
        "site/tags.csv:4 c input-register 65535 u16",
    ];
    assert_eq!(reads("modbus", wire, &expected), "");
}

#[test]
fn dnp3() {
    let csv = "\
Point Type,Point Index,Name,Minimum,Maximum,Multiplier,Offset,Units
Analog Input,2,flow,0,400,0.01,0,m³/h
Binary Output Status,3,breaker,,,,,
AO,0,setpoint,0,500,,,kW
Analog Input Deadband,0,band,,,,,
";
    let warning = reads(
        "dnp3",
        csv,
        &[
            "site/tags.csv:3 breaker binary-output 3 native",
            "site/tags.csv:2 flow analog-input 2 native ×0.01+0 m³/h 0..400",
            "site/tags.csv:4 setpoint analog-output 0 native kW 0..500",
        ],
    );
    assert!(warning.contains("1 of 4 tags are left out"), "{warning}");
}

#[test]
fn rows_and_orders_are_chosen_in_the_policy() {
    let csv = "Name,Table,Address,Type,Area\na,3x,0,f32,North 1\nb,3x,2,f32,South\nc,3x,4,u16,NORTH 2\n";
    let (compiled, _) = compiled("modbus", ", words = \"low-first\", only = { Area = [\"north*\"] }", csv);
    assert_eq!(
        points(&compiled),
        ["site/tags.csv:2 a input-register 0 f32 low-first", "site/tags.csv:4 c input-register 4 u16"]
    );
}

#[test]
fn a_map_of_your_own_reads_any_list() {
    let policy = "[devices.plc]\nip = \"10.0.0.1\"\ntags = { file = \"../lists/tags.csv\", map = \"maps/own.toml\" }\n";
    let map = "delimiter = \";\"\ndecimal = \",\"\nskip = \"#\"\n[columns]\nname = 2\naddress = 1\nscale = 3\n\
               [[addresses]]\nform = \"R{n}\"\nspace = \"holding-register\"\ntype = \"i16\"\n";
    let file = |name: &str, text: &str, kind| SourceFile { name: name.into(), text: text.into(), kind };
    let files = [
        SourceFile::new("site/plant.toml", policy),
        file("site/maps/own.toml", map, FileKind::Map),
        file("lists/tags.csv", "# list\nR5;Pegel;0,1\nR6;Druck\n", FileKind::Tags),
    ];
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    let expected =
        ["lists/tags.csv:2 Pegel holding-register 5 i16 ×0.1+0", "lists/tags.csv:3 Druck holding-register 6 i16"];
    assert_eq!(points(&compiled), expected);
}
